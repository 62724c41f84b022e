/** From a file to an imported configuration, or to everything that stands against it. */
import { warnOfAttachedTags } from '../../core/import/attached-tags.ts'
import { importers } from '../../core/import/importers.ts'
import { unitedPolicies } from '../../core/import/unite-policies.ts'
import type { ImportedConfiguration } from '../../core/import/imported-policy.ts'
import type { Importer } from '../../core/import/importer.ts'
import { startReading, type ImportFinding, type ImportWarning } from '../../core/import/reading.ts'
import { fileStart, type SourceDocument, type SourceValue } from '../../core/import/source-document.ts'
import { unusablePatterns } from '../../core/import/unusable-patterns.ts'
import { parseSource, sourceCharactersMax, textSource } from './parse-source.ts'
import { ImportRefusedError } from './refusal.ts'

export interface ImportedFile {
  readonly configuration: ImportedConfiguration
  readonly warnings: readonly ImportWarning[]
}

/**
 * Imports the text of a file.
 *
 * @throws ImportRefusedError with every finding
 */
export function importPolicy(importer: Importer, file: string, text: string): ImportedFile {
  const plain = text.replace(/^\uFEFF/, '')
  const refuse = (findings: readonly ImportFinding[]): never => {
    throw new ImportRefusedError(
      file,
      plain,
      findings,
      `docs/import/${importer.system}.md says what is taken over.`,
    )
  }
  const document = readDocument(importer, file, plain, refuse)
  if (!importer.recognises(document)) {
    const other = otherSystem(importer, file, plain)
    if (other !== undefined) {
      const message = `This looks like ${other.title}, and ${importer.title} was expected.`
      refuse([{ place: fileStart, message, hint: `Try: winnow import ${other.system} ${file}` }])
    }
  }
  const reading = startReading()
  const configuration = importer.read(document, reading)
  if (reading.findings.length > 0 || configuration === undefined) {
    return refuse(reading.findings.length > 0 ? reading.findings : [notThis(importer)])
  }
  // Keys that are all optional make a policy of anything; one without any says nothing.
  if (document.documents.length > 0 && document.documents.every(isEmptyMap))
    return refuse([notThis(importer)])
  const unusable = unusablePatterns(configuration.policies)
  if (unusable.length > 0) return refuse(unusable)
  warnOfAttachedTags(importer, configuration, reading)
  const policies = unitedPolicies(configuration.policies)
  return { configuration: { ...configuration, policies }, warnings: reading.warnings }
}

const tooLong: ImportFinding = { place: fileStart, message: 'This file has more than 5 MiB; no policy has.' }

/** For files that are not even read. */
export function refuseLength(importer: Importer, file: string): never {
  throw new ImportRefusedError(file, '', [tooLong], pageOf(importer))
}

function pageOf({ system }: Importer): string {
  return `docs/import/${system}.md says what is taken over.`
}

function readDocument(
  importer: Importer,
  file: string,
  text: string,
  refuse: (findings: readonly ImportFinding[]) => never,
): SourceDocument {
  if (text.length > sourceCharactersMax) {
    return refuse([tooLong])
  }
  if (text.trim() === '') {
    const hint = importer.source === '' ? undefined : `This is how to get the file: ${importer.source}`
    return refuse([{ place: fileStart, message: 'The file is empty.', ...(hint !== undefined && { hint }) }])
  }
  if (text.includes('\0')) return refuse([{ place: fileStart, message: 'This is not a text file.' }])
  if (importer.format === 'text') return textSource(file, text)
  const parsed = parseSource(file, text)
  if ('document' in parsed) return parsed.document
  const isTemplate = importer.system === 'werf' && text.includes('{{')
  if (isTemplate) {
    const hint = 'These are templates. Render the file first: werf config render > rendered.yaml'
    return refuse(parsed.findings.map((finding) => ({ ...finding, hint })))
  }
  const other = otherSystem(importer, file, text)
  if (other === undefined) return refuse(parsed.findings)
  const hint = `It looks like ${other.title}. Try: winnow import ${other.system} ${file}`
  return refuse(parsed.findings.map((finding, index) => (index === 0 ? { ...finding, hint } : finding)))
}

/** The system whose file this seems to be. */
function otherSystem(importer: Importer, file: string, text: string): Importer | undefined {
  const parsed = parseSource(file, text)
  const document = 'document' in parsed ? parsed.document : textSource(file, text)
  return importers.find((other) => other !== importer && other.recognises(document))
}

function isEmptyMap(document: SourceValue): boolean {
  return document.kind === 'map' && document.entries.size === 0
}

function notThis({ title }: Importer): ImportFinding {
  return { place: fileStart, message: `This is not ${title}.` }
}
