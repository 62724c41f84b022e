/** The contexts a person may choose from: `winnow init` proposes them as sources of evidence. */
import { access } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { readKubeconfigs } from './kubeconfig-files.ts'
import { asText } from './shape.ts'

/**
 * The names of all contexts in the user's kubeconfig, in its order; none where there is no such file.
 *
 * @throws ClusterAccessError when a file that is there cannot be read
 */
export async function listContexts(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  const home = asText(environment['HOME']) ?? homedir()
  const list = asText(environment['KUBECONFIG']) ?? join(home, '.kube', 'config')
  const paths = list.split(delimiter).filter((path) => path !== '')
  const isThere = await Promise.all(paths.map(exists))
  // Whoever has no cluster has no file, and that is no mistake here.
  if (!isThere.includes(true)) return []
  return [...(await readKubeconfigs(list)).contexts.keys()]
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
