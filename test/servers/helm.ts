/** Helm, run as an operator would run it, but with its own folders: the caller's repositories and plugins stay out. */
import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { find, type FoundBinary } from './find.ts'

/** A Deployment, a CronJob and a test hook, each with an image of its own from the values. */
export const appChart = fileURLToPath(new URL('charts/app', import.meta.url))

export interface HelmOutput {
  readonly stdout: string
  readonly stderr: string
}

export function findHelm(): FoundBinary | undefined {
  return find('helm')
}

/** Throws with what Helm said when it fails. Nothing runs in the test's cluster, so do not ask it to wait. */
export async function helm(
  args: readonly string[],
  options: { readonly kubeconfig?: string; readonly context?: string } = {},
): Promise<HelmOutput> {
  const found = findHelm()
  if (found === undefined) throw new Error('There is no helm here.')
  const home = mkdtempSync(join(tmpdir(), 'winnow-helm-'))
  try {
    return await run(found.binary, [...args, ...connection(options)], home)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

function connection({
  kubeconfig,
  context,
}: {
  readonly kubeconfig?: string
  readonly context?: string
}): string[] {
  return [
    ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
    ...(context === undefined ? [] : ['--kube-context', context]),
  ]
}

function run(binary: string, args: readonly string[], home: string): Promise<HelmOutput> {
  const env = { ...process.env, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home }
  return new Promise((resolve, reject) => {
    execFile(binary, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr })
      else reject(new Error(`helm ${args.join(' ')}\n${stderr}${stdout}`, { cause: error }))
    })
  })
}
