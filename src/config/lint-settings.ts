/** Lint of everything but policies: protections and limits switched off, and settings without effect. */
import { isLoopback } from './addresses.ts'
import { lintTagPatterns } from './lint-patterns.ts'
import type { Report } from './report.ts'
import { durationMs } from './resolving.ts'
import { parseShare } from './schema-evidence.ts'
import type { WrittenRegistry } from './schema-registry.ts'
import type { WrittenFile } from './schema.ts'
import type { Path } from './yaml-source.ts'

export function lintSettings(file: WrittenFile, report: Report): void {
  for (const [name, registry] of Object.entries(file.registries ?? {})) {
    lintRegistry(registry, ['registries', name], report)
  }
  lintProtections(file, report)
  if (file.policies === undefined || file.policies.length === 0) {
    report(
      ['policies'],
      'There are no policies, so nothing is governed and nothing is ever deleted.',
      'Add one.',
    )
  } else if (file.evidence?.kubernetes === undefined && file.evidence?.references === undefined) {
    report(
      ['evidence'],
      'Nobody is asked what is in use: only rules and protections keep images.',
      'Name the clusters under `evidence.kubernetes`, or a list of references.',
      true,
    )
  }
}

function lintProtections({ protect, limits }: WrittenFile, report: Report): void {
  for (const key of ['youngerThan', 'seenInUseWithin'] as const) {
    const written = protect?.[key]
    if (written === undefined || durationMs(written) > 0) continue
    const cost =
      key === 'youngerThan'
        ? 'An image may be deleted between its push and its first deployment.'
        : 'An image may be deleted while its workload is scaled down or restarted.'
    report(['protect', key], `This switches a protection off. ${cost}`, `Write a duration, such as "24h".`)
  }
  if (limits?.maxShare !== undefined && parseShare(limits.maxShare) === 1) {
    report(
      ['limits', 'maxShare'],
      'This switches the limit off: one run may delete everything.',
      'Write "30%".',
    )
  }
  if (limits?.minSurvivors === 0) {
    report(
      ['limits', 'minSurvivors'],
      'This switches the limit off: a repository may be emptied.',
      'Write 1 or more.',
    )
  }
  if (protect?.tags !== undefined) lintTagPatterns(protect.tags, ['protect', 'tags'], report)
}

function lintRegistry(registry: WrittenRegistry, path: Path, report: Report): void {
  const url = registry.url === undefined ? undefined : new URL(registry.url)
  const isPlain = url?.protocol === 'http:' && !isLoopback(url.hostname)
  if (isPlain) {
    report([...path, 'url'], 'Credentials and manifests travel in the clear.', 'Use https:// where you can.')
  } else if (registry.insecure === true) {
    report(
      [...path, 'insecure'],
      '`insecure` allows http:// to another machine, and has no effect here.',
      'Take it out.',
      true,
    )
  }
  if (registry.tls?.insecureSkipVerify === true) {
    const hint = 'Name the authority with `tls.caFile` instead.'
    report(
      [...path, 'tls', 'insecureSkipVerify'],
      'Any certificate is trusted: credentials can be read on the way.',
      hint,
    )
  }
  if (registry.sweep === undefined) return
  if (registry.storage === undefined) {
    report(
      [...path, 'sweep'],
      'Sweeping needs the registry’s files.',
      'Say where they lie with `storage:`.',
      true,
    )
  }
  lintSweep(registry.sweep, [...path, 'sweep'], report)
}

function lintSweep(sweep: NonNullable<WrittenRegistry['sweep']>, path: Path, report: Report): void {
  if (sweep.grace !== undefined && durationMs(sweep.grace) === 0) {
    report(
      [...path, 'grace'],
      'Blobs of a push that is under way are not spared by their age.',
      'Write "24h".',
    )
  }
  if (sweep.settle !== undefined && durationMs(sweep.settle) > durationMs(sweep.quarantine ?? '7d')) {
    report(
      [...path, 'settle'],
      'It is longer than the quarantine, which then counts in its place.',
      'Write a shorter time.',
    )
  }
  if (sweep.maintenance !== undefined && sweep.mode !== 'maintenance') {
    report(
      [...path, 'maintenance'],
      'This has no effect without `mode: maintenance`.',
      'Add it, or take this out.',
      true,
    )
  }
}
