/**
 * Masks of Artifactory's query language on paths of images (`team/app/1.0`), parted into what they say of the image's
 * name and what they say of its tag.
 *
 * A mask knows no borders: its `*` runs across slashes, and the last slash of a path may lie in it. So one mask is several
 * pairs, and a path matches the mask when it matches one of them. Nothing is matched here.
 */
import { escapeGlob, globOfWildcards } from './globs.ts'

export interface PathMask {
  /** A pattern on the image's name, below the repository key. */
  readonly image: string
  /** A glob on the tag. */
  readonly tag: string
}

/** Of the image's name: any. */
export const anyImage = '**'
/** Of the tag: any. */
export const anyTag = '*'

/**
 * `include`: `_` and `%` mean themselves. `exclude`: they are wildcards. Artifactory hands masks to `LIKE` of its
 * database, where they are; the one reading takes less, and the other spares more.
 */
export type MaskUse = 'include' | 'exclude'

/** The pairs of a mask; none where no path of an image can match it. */
export function masksOnPath(mask: string, use: MaskUse): readonly PathMask[] {
  const text = (use === 'include' ? mask : mask.replaceAll('_', '?').replaceAll('%', '*')).replace(
    /\*+/g,
    '*',
  )
  const pairs: PathMask[] = []
  for (let at = text.length - 1; at >= 0; at--) {
    const [before, character, after] = [text.slice(0, at), text.charAt(at), text.slice(at + 1)]
    if (character === '*') add(pairs, `${before}*`, `*${after}`)
    if (character === '?' || character === '/') add(pairs, before, after)
    if (character === '/') break
  }
  return withoutTwins(pairs)
}

/** Names and tags have at least a character, and none that no name has. */
function add(pairs: PathMask[], image: string, tag: string): void {
  if (image === '' || tag === '' || /^\/|\/$|\/\/|[,\s]/.test(image) || /^[.-]/.test(tag)) return
  pairs.push({ image: imagePattern(image), tag: globOfWildcards(tag, { question: true }) })
}

/** `*` goes past slashes; where it stands between two of them by itself, it is at least one folder. */
function imagePattern(text: string): string {
  return text
    .split(/([*?])/)
    .map((part, index, parts) => {
      if (part === '?') return '{?,/}'
      if (part !== '*') return index % 2 === 1 ? part : escapeGlob(`x${part}`).slice(1)
      const [previous = '', next = ''] = [parts[index - 1], parts[index + 1]]
      const isFolder = (previous === '' ? index === 1 : previous.endsWith('/')) && next.startsWith('/')
      return isFolder ? '{**}' : '**'
    })
    .join('')
}

/** `app` and what lies below it, with any tag, is what `app:*` says; one pattern says it as well as two. */
function withoutTwins(pairs: readonly PathMask[]): readonly PathMask[] {
  const names = pairs.filter(({ tag }) => tag === anyTag).map(({ image }) => image)
  return pairs.flatMap((pair) => {
    if (pair.tag !== anyTag || pair.image === anyImage) return [pair]
    if (pair.image.endsWith('/**') && names.includes(pair.image.slice(0, -3))) return []
    const isBoth = names.includes(`${pair.image}/**`)
    return [isBoth ? { ...pair, image: `${pair.image}{,/**}` } : pair]
  })
}

/** A pattern has at most 1000 characters; the repository key comes in front. */
const alternativesMax = 700

/**
 * The pairs of several masks of which any is enough, those of one tag as one pair with alternatives: each pattern on names
 * may double the number of policies that are needed.
 */
export function joinMasks(masks: readonly PathMask[]): readonly PathMask[] {
  return [...new Set(masks.map(({ tag }) => tag))].flatMap((tag) => {
    const images = [...new Set(masks.filter((mask) => mask.tag === tag).map(({ image }) => image))]
    if (images.includes(anyImage)) return [{ image: anyImage, tag }]
    return joined(images).map((image) => ({ image, tag }))
  })
}

function joined(images: readonly string[]): readonly string[] {
  const groups: string[][] = []
  for (const image of images) {
    const group = groups.at(-1)
    if (group === undefined || [...group, image].join().length > alternativesMax) groups.push([image])
    else group.push(image)
  }
  return groups.map((group) => (group.length === 1 ? group.join() : `{${group.join()}}`))
}

const digestStart = 'sha256:'
const digestLength = digestStart.length + 64

/**
 * Whether a glob on tags can match the name of a folder that holds a manifest without a tag, which is its digest. An
 * expression between slashes may always.
 */
export function canNameDigest(glob: string): boolean {
  if (glob.startsWith('/')) return true
  const parts = [...glob.matchAll(/\\(.)|([^\\])/gs)].map(([, escaped, plain = '']) =>
    escaped === undefined ? { text: plain, isWild: plain === '*' || plain === '?' } : { text: escaped },
  )
  let reached = new Set([0])
  for (const { text, isWild = false } of parts) {
    const next = new Set<number>()
    for (const position of reached) {
      if (isWild && text === '*') for (let end = position; end <= digestLength; end++) next.add(end)
      else if (position < digestLength && (isWild || fitsDigest(text, position))) next.add(position + 1)
    }
    reached = next
  }
  return reached.has(digestLength)
}

function fitsDigest(character: string, position: number): boolean {
  return position < digestStart.length
    ? character === digestStart.charAt(position)
    : /^[0-9a-f]$/.test(character)
}
