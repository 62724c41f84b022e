/** The sample world on disk, for tests that need a whole registry with a cluster and a policy. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeSampleFiles } from '../../src/adapters/storage/filesystem/write-sample.ts'
import { sampleWorld } from '../../src/app/demo/sample-world.ts'

export interface SampleFolder {
  readonly path: string
  /** `--config` and `--state` within the folder. */
  readonly words: readonly string[]
  remove(): Promise<void>
}

/**
 * Makes it in a temporary folder, as it stands now.
 *
 * @param hasGit with its Git repository, which takes a git on the machine. @default false
 */
export async function makeSampleFolder(hasGit = false): Promise<SampleFolder> {
  const path = await mkdtemp(join(tmpdir(), 'winnow-sample-'))
  const { files, configPath } = sampleWorld(Date.now(), hasGit)
  await writeSampleFiles(path, files)
  return {
    path,
    words: ['--config', join(path, configPath), '--state', join(path, 'state')],
    remove: () => rm(path, { recursive: true, force: true }),
  }
}
