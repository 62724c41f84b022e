/**
 * Links in a file, for registries that take no records: one JSON object a line, as `winnow link --file` appends them.
 *
 *     {"schemaVersion":"link/v1","image":"registry/repository@sha256:…","commits":["…"],"ref":"main"}
 *
 * A line that cannot be understood is named with its place and never passed over in silence: it may have been what keeps
 * an image.
 */
import type { Digest } from '../image/digest.ts'
import { isJsonObject, type JsonObject } from '../image/manifest-fields.ts'
import { normalizeReference, type NormalizedReference } from '../image/reference.ts'
import { parseFullCommitId } from './link-record.ts'

const linkFileVersion = 'link/v1'

export interface FileLink {
  /** With a digest, always. */
  readonly image: NormalizedReference & { readonly digest: Digest }
  /** Full ids, in lower case; at least one. */
  readonly commits: readonly string[]
  readonly source: string | undefined
  readonly ref: string | undefined
  /** `FILE:LINE`, for messages. */
  readonly where: string
}

export interface LinkFile {
  readonly links: readonly FileLink[]
  /** One sentence for each line that is no link, beginning with `FILE:LINE: `. */
  readonly problems: readonly string[]
}

export interface WrittenLink {
  /** `registry.example.com/team/app@sha256:…`. */
  readonly image: string
  readonly commits: readonly string[]
  readonly source: string | undefined
  readonly ref: string | undefined
}

/** One line of a link file, with its end. */
export function linkFileLine({ image, commits, source, ref }: WrittenLink): string {
  const line = {
    schemaVersion: linkFileVersion,
    image,
    commits,
    ...(ref !== undefined && { ref }),
    ...(source !== undefined && { source }),
  }
  return `${JSON.stringify(line)}\n`
}

/**
 * Reads a link file.
 *
 * @param name how messages call it
 */
export function parseLinkFile(text: string, name: string): LinkFile {
  const links: FileLink[] = []
  const problems: string[] = []
  text.split('\n').forEach((written, index) => {
    const line = written.trim()
    if (line === '') return
    const where = `${name}:${index + 1}`
    const read = readLine(line, where)
    if (typeof read === 'string') problems.push(`${where}: ${read}`)
    else links.push(read)
  })
  return { links, problems }
}

/** The link of a line, or what is wrong with it. */
function readLine(line: string, where: string): FileLink | string {
  const fields = parsed(line)
  if (!isJsonObject(fields)) return 'this is no JSON object; the line may have been cut short.'
  const { schemaVersion } = fields
  if (schemaVersion !== linkFileVersion) {
    const found = JSON.stringify(schemaVersion)?.slice(0, 40) ?? 'missing'
    return `schemaVersion is ${found} and should be "${linkFileVersion}".`
  }
  const image = readImage(fields)
  if (typeof image === 'string') return image
  const commits = readCommits(fields)
  if (typeof commits === 'string') return commits
  return { image, commits, source: textIn(fields, 'source'), ref: textIn(fields, 'ref'), where }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // The caller names the line; what the parser says of it would not help.
    return undefined
  }
}

function readImage({ image }: JsonObject): FileLink['image'] | string {
  const reference = typeof image === 'string' ? normalizeReference(image) : undefined
  if (reference === undefined) return 'image is no image reference.'
  const { digest } = reference
  if (digest === undefined) return 'image has no digest; a tag may name another image by now.'
  return { ...reference, digest }
}

function readCommits({ commits }: JsonObject): readonly string[] | string {
  if (!Array.isArray(commits) || commits.length === 0) return 'commits is no list of commit ids.'
  const ids = (commits as readonly unknown[]).map((each) =>
    typeof each === 'string' ? parseFullCommitId(each) : undefined,
  )
  const wrong = ids.indexOf(undefined)
  return wrong === -1
    ? [...new Set(ids.filter((id) => id !== undefined))]
    : `commits[${wrong}] is no full commit id of 40 or 64 hexadecimal digits.`
}

function textIn(fields: JsonObject, key: string): string | undefined {
  const value = fields[key]
  return typeof value === 'string' ? value : undefined
}
