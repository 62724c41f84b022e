/**
 * Versions as people write them in tags, and npm ranges over them. Order and ranges are the semver library's; only
 * the reading is ours, because tags are looser than semver: `1.3`, `v0.69-6969`, `1.2.3_build5`, `2024.01.05`.
 *
 * What might as well be a date, a build number or a commit is no version. Such a tag has no place in an order by
 * version, which keeps its image (DESIGN section 3).
 */
import { Range, SemVer } from 'semver'
import { PatternError } from './pattern-error.ts'
import type { VersionRange } from './patterns.ts'

export interface Version {
  readonly major: number
  readonly minor: number
  readonly patch: number
  /** `rc.3`; empty for a release. */
  readonly prerelease: string
  /** The tag it was read from. */
  readonly raw: string
  /** The same as the semver library has it, for comparing and for ranges. */
  readonly semver: SemVer
}

/** The parts of a version that a stream template may name. */
export const versionPartNames: readonly string[] = ['major', 'minor', 'patch', 'prerelease']

const number = String.raw`(\d{1,16})`
/* Our own expression over text of at most 128 characters; every quantifier is followed by something it cannot match. */
const written = new RegExp(
  String.raw`^(v?)${number}(?:\.${number})?(?:\.${number})?(-?)([0-9A-Za-z][0-9A-Za-z.-]*)?(?:[_+]([0-9A-Za-z._-]+))?$`,
  'i',
)
const dateLike = /^\d{4}-\d{2}(?:-\d{2})?(?!\d)/

/**
 * The version that a tag spells, or undefined when it spells none (DESIGN section 3, `semver`). Missing parts are
 * zero; leading zeros are dropped; `_` stands for `+`, which tags cannot hold, and what follows it bears on nothing.
 */
export function parseVersion(tag: string): Version | undefined {
  if (!startsLikeVersion(tag)) return undefined
  const match = tag.length > 128 ? null : written.exec(tag)
  if (!match) return undefined
  const [, v = '', major = '', minor, patch, dash = '', suffix = ''] = match
  if (dash !== '' && suffix === '') return undefined
  // `20240105`, `118234` and `2024-01-05` are dates and build numbers: as versions they would outrank every release.
  if (minor === undefined && v === '' && (major.length > 4 || dateLike.test(tag))) return undefined
  // `1a2b3c4` is a commit, `1.2rc1` a version: without a dash a suffix needs two numbers before it.
  if (suffix !== '' && dash === '' && (minor === undefined || !/^[a-z]/i.test(suffix))) return undefined
  const prerelease = suffix.split('.').map(withoutLeadingZeros)
  if (suffix !== '' && prerelease.includes('')) return undefined
  const numbers = [major, minor ?? '0', patch ?? '0'].map(Number)
  if (!numbers.every(Number.isSafeInteger)) return undefined
  return versionOf(tag, numbers.join('.'), suffix === '' ? '' : prerelease.join('.'))
}

/** A digit, or `v` and a digit: most tags of a registry are told apart by that, without the expression. */
function startsLikeVersion(tag: string): boolean {
  const first = tag.charCodeAt(0)
  const isV = first === 0x76 || first === 0x56
  const digit = isV ? tag.charCodeAt(1) : first
  return digit >= 0x30 && digit <= 0x39
}

function versionOf(raw: string, release: string, prerelease: string): Version {
  const semver = new SemVer(prerelease === '' ? release : `${release}-${prerelease}`)
  return { major: semver.major, minor: semver.minor, patch: semver.patch, prerelease, raw, semver }
}

function withoutLeadingZeros(identifier: string): string {
  return /^0+\d+$/.test(identifier) ? identifier.replace(/^0+(?=\d)/, '') : identifier
}

/** Negative when `a` is the older version; 0 for equal precedence (semver section 11: build metadata bear on nothing). */
export function compareVersions(a: Version, b: Version): number {
  return a.semver.compare(b.semver)
}

/** What a stream template may name of a version; `prerelease` is its first identifier, empty for a release. */
export function versionParts(version: Version): Readonly<Record<string, string>> {
  return {
    major: String(version.major),
    minor: String(version.minor),
    patch: String(version.patch),
    prerelease: String(version.semver.prerelease[0] ?? ''),
  }
}

/**
 * Compiles an npm range. A prerelease matches only where npm says so: `>=1.0.0` does not match `2.0.0-rc.3`,
 * `>=2.0.0-0` does.
 *
 * @throws PatternError when it is no range.
 */
export function compileRange(source: string): VersionRange {
  const hint = 'Write an npm range, such as ">=1.0.0", "1.x", "^2.3" or "*" for every version.'
  if (source.trim() === '') throw new PatternError(source, 'A version range cannot be empty.', hint)
  if (source.length > 256) throw new PatternError(source, 'A version range has at most 256 characters.', hint)
  const range = parseRange(source, hint)
  return {
    source,
    matches(tag: string): boolean {
      const version = parseVersion(tag)
      return version !== undefined && range.test(version.semver)
    },
  }
}

function parseRange(source: string, hint: string): Range {
  try {
    return new Range(source)
  } catch (cause) {
    if (cause instanceof TypeError) throw new PatternError(source, 'It is not a range of versions.', hint)
    throw cause
  }
}
