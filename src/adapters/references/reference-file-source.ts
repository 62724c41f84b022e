/**
 * A file of references, kept by people, as a source of evidence.
 *
 * A file that cannot be read, and a line that is no reference, make the source incomplete: what should have been kept
 * by them is unknown.
 */
import { parseReferenceFile, type LineError, type ReferenceFile } from '../../core/evidence/reference-file.ts'
import type { SourceEvidence, SourceProblem } from '../../core/evidence/evidence.ts'
import { readTextFile, TextFileError } from './read-text-file.ts'
import type { EvidenceSource } from '../../ports/evidence-source.ts'
import type { RunOptions } from '../../ports/run-options.ts'

export interface ReferenceFileSettings {
  /** As in winnow.yaml; the source is called `references:NAME`. */
  readonly name: string
  /** Relative to the working directory. */
  readonly path: string
  /** How reports call the file. @default path */
  readonly shownAs?: string
}

/**
 * A source that reads the file anew each time it is asked. Wrong lines can be accepted together as
 * `references:NAME/wrong-lines`.
 */
export function createReferenceFileSource({
  name,
  path,
  shownAs = path,
}: ReferenceFileSettings): EvidenceSource {
  const source = `references:${name}`
  return {
    name: source,
    gather: async (_managed, options) => {
      try {
        return evidenceOf(source, shownAs, parseReferenceFile(await readTextFile(path, options), shownAs))
      } catch (error) {
        if (!(error instanceof TextFileError)) throw error
        return unreadable(source, error)
      }
    },
  }
}

/**
 * A reference file with its lines and their faults, for showing it to a person.
 *
 * @throws TextFileError when the file as a whole cannot be read; InterruptedError when cancelled
 */
export async function readReferenceFile(path: string, options: RunOptions = {}): Promise<ReferenceFile> {
  return parseReferenceFile(await readTextFile(path, options), path)
}

function evidenceOf(name: string, path: string, file: ReferenceFile): SourceEvidence {
  return {
    ...silent(name),
    complete: file.complete,
    objects: file.references.length + file.digests.length,
    references: file.references.map(({ normalized, where }) => ({ reference: normalized, where })),
    digests: file.digests,
    problems: file.errors.map((error) => wrongLine(name, path, error)),
  }
}

function wrongLine(name: string, path: string, { line, text, message }: LineError): SourceProblem {
  const accept = `${name}/wrong-lines`
  return {
    severity: 'incomplete',
    text: `${path}:${line}: ${JSON.stringify(text)}. ${message}`,
    accept,
  }
}

function unreadable(name: string, error: TextFileError): SourceEvidence {
  const text = `${error.message} ${error.hint}`
  return { ...silent(name), complete: false, problems: [{ severity: 'incomplete', text, accept: undefined }] }
}

function silent(name: string): SourceEvidence {
  return {
    name,
    complete: true,
    leftOut: false,
    identity: undefined,
    objects: 0,
    pods: undefined,
    references: [],
    digests: [],
    problems: [],
  }
}
