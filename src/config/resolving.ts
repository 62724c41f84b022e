/** What resolving the parts of a file shares. */
import { isAbsolute, join, resolve } from 'node:path'
import { invariant } from '../core/errors/invariant.ts'
import { parseDuration } from './durations.ts'
import { parseSize } from './sizes.ts'
import type { YamlSource } from './yaml-source.ts'

export interface Resolving {
  readonly source: YamlSource
  /** A path in the file as an absolute one. */
  readonly absolute: (path: string) => string
}

/**
 * A path as written in a configuration: `~/` is the home folder, everything else is relative to the folder of the
 * configuration file, so that it means the same wherever Winnow is started.
 */
export function resolveConfigurationPath(
  path: string,
  place: { readonly folder: string; readonly home: string },
): string {
  if (path === '~') return place.home
  if (path.startsWith('~/')) return join(place.home, path.slice(2))
  return isAbsolute(path) ? path : resolve(place.folder, path)
}

/** Milliseconds of a duration that the schema has already checked. */
export function durationMs(text: string): number {
  const parsed = parseDuration(text)
  invariant('ms' in parsed, `the duration ${text} passed the schema`)
  return parsed.ms
}

/** Bytes of a size that the schema has already checked. */
export function sizeBytes(written: string | number): number {
  const bytes = parseSize(written)
  invariant(bytes !== undefined, `the size ${written} passed the schema`)
  return bytes
}
