/**
 * A real registry that has the referrers API of OCI 1.1, and that keeps the tags of what it deletes.
 *
 * Winnow cannot delete anything there, and must say so: a name that still answers must give a whole image.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCraneRegistry, type CraneRegistry } from '../servers/crane-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { pullWhole, pushImage, pushMultiPlatform, pushReferrer } from '../servers/push.ts'
import { registryRequest } from '../servers/registry-request.ts'
import { buildProgram, openCommandLine, type BuiltProgram, type CommandLine } from './cli.ts'
import { digestOf } from './registry-state.ts'

const needed = 'crane-registry'

interface ApplyDocument {
  readonly run: string
  readonly lines: readonly { readonly outcome: string; readonly text: string }[]
}

describe.skipIf(missing(needed))(titled('a registry that keeps the tags of what it deletes', needed), () => {
  let program: BuiltProgram
  let registry: CraneRegistry
  let commandLine: CommandLine
  beforeAll(async () => {
    ;[program, registry] = await Promise.all([buildProgram(), startCraneRegistry()])
    commandLine = await openCommandLine(program)
    await commandLine.write(
      'winnow.yaml',
      `version: 1
registries:
  prod: {url: '${registry.url}'}
protect: {youngerThan: 0s}
limits: {maxShare: 100%, minSurvivors: 0}
policies:
  - {name: all, registry: prod, repositories: ['**'], rules: [], unmatched: delete}
`,
    )
  })
  afterAll(async () => {
    await commandLine?.remove()
    await registry?.stop()
    await program?.remove()
  })

  it('shows its referrers, and leaves no tag behind that names a broken image', async () => {
    const index = await pushMultiPlatform(registry.url, 'team/web', { tags: ['old'] })
    const sbom = await pushReferrer(registry.url, 'team/web', index.descriptor, { fallback: 'never' })
    const planned = await commandLine.json('plan', '--out', 'plan.json')
    expect(planned).toMatchObject({
      exit: 0,
      document: {
        actions: [
          { digest: index.digest, tags: ['old'], with: expect.arrayContaining([sbom.digest]) as unknown },
        ],
      },
    })

    const { exit, document } = await commandLine.json('apply', 'plan.json', '--yes')
    await pullWhole(registry.url, 'team/web', 'old')
    expect(exit).toBe(4)
    const text = expect.stringContaining('its tag old still answers') as unknown
    expect((document as ApplyDocument).lines).toMatchObject([{ outcome: 'failed', text }])
  })

  it('is not given back a manifest whose blobs it lost, though it would take it', async () => {
    const plain = await pushImage(registry.url, 'team/plain', { tags: ['old'] })
    const { document } = await commandLine.json('apply', '--yes')
    const [layer = ''] = plain.layerDigests
    const path = `/v2/team/plain/blobs/${layer}`
    expect((await registryRequest(registry.url, 'DELETE', path)).status).toBe(202)

    const undone = await commandLine.json('undo', (document as ApplyDocument).run, '--yes')
    expect(undone.exit).toBe(4)
    expect(undone.stdout).toContain(`the registry no longer has what it refers to: ${layer}`)
    expect(await digestOf(registry.url, 'team/plain', plain.digest)).toBeUndefined()
  })
})
