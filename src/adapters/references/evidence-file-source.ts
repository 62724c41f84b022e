/**
 * Evidence files (`evidence/v1`) as sources of evidence: what was gathered elsewhere, or earlier, stands for asking.
 */
import { EvidenceFileError, parseEvidenceFile } from '../../core/evidence/evidence-file.ts'
import type { Evidence } from '../../core/evidence/evidence.ts'
import type { EvidenceSource } from '../../ports/evidence-source.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import { readTextFile, TextFileError } from './read-text-file.ts'

/**
 * The evidence in the file at `path`.
 *
 * @throws TextFileError when there is no such file; EvidenceFileError when it cannot be relied on; InterruptedError
 */
export async function readEvidenceFile(path: string, options: RunOptions = {}): Promise<Evidence> {
  return parseEvidenceFile(await readTextFile(path, options), path)
}

/**
 * The sources in the files at `paths`, each under the name it has there. Files are read once. One that cannot be relied
 * on is an incomplete source of its own, `evidence:PATH`, so that it stops the plan like any source that fails.
 *
 * @throws InterruptedError
 */
export async function createEvidenceFileSources(
  paths: readonly string[],
  options: RunOptions = {},
): Promise<readonly EvidenceSource[]> {
  const sources: EvidenceSource[] = []
  for (const path of paths) sources.push(...(await sourcesOf(path, options)))
  return sources
}

async function sourcesOf(path: string, options: RunOptions): Promise<readonly EvidenceSource[]> {
  try {
    const { sources } = await readEvidenceFile(path, options)
    return sources.map((source) => ({
      name: source.name,
      gather: () => Promise.resolve({ ...source, file: path }),
    }))
  } catch (error) {
    if (error instanceof TextFileError || error instanceof EvidenceFileError) return [unreadable(path, error)]
    throw error
  }
}

function unreadable(path: string, { message, hint }: TextFileError | EvidenceFileError): EvidenceSource {
  const name = `evidence:${path}`
  return {
    name,
    gather: () =>
      Promise.resolve({
        name,
        complete: false,
        leftOut: false,
        identity: undefined,
        objects: 0,
        pods: undefined,
        references: [],
        digests: [],
        problems: [{ severity: 'incomplete', text: `${message} ${hint}`, accept: undefined }],
      }),
  }
}
