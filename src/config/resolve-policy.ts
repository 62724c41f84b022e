/** Policies, from as written to the core's. Called for what passed every check. */
import type { RegistryName } from '../core/image/names.ts'
import {
  compileRepositoryPatterns,
  compileTagPattern,
  compileTagPatterns,
} from '../core/policy/compile-patterns.ts'
import { compileStreamTemplate } from '../core/policy/compile-stream-template.ts'
import type { TagPatterns, TextPattern } from '../core/policy/patterns.ts'
import type {
  Calendar,
  Counting,
  DeleteCriterion,
  DeleteEffect,
  GitCriterion,
  GitLimit,
  KeepCriterion,
  KeepEffect,
  MatchBlock,
  Policy,
  Rule,
} from '../core/policy/policy.ts'
import { compileRange } from '../core/policy/version.ts'
import { calendarKeys } from './checks-policy.ts'
import { listOf } from './fields.ts'
import type { Resolving } from './resolving.ts'
import { durationMs, sizeBytes } from './resolving.ts'
import { gitNameOf } from './resolve-git.ts'
import type { WrittenGit } from './schema-git.ts'
import type { WrittenDelete, WrittenKeep, WrittenMatch, WrittenPolicy, WrittenRule } from './schema-policy.ts'

type Unit = Policy['unit']
type WrittenGitRule = NonNullable<WrittenKeep['git']>

/** One policy; `git` is what the file lists of Git repositories. */
export function resolvePolicy(
  written: WrittenPolicy,
  index: number,
  { source }: Resolving,
  git: WrittenGit | undefined,
): Policy {
  const path = ['policies', index]
  const unit = written.unit ?? 'image'
  return {
    name: written.name ?? `policy ${index + 1}`,
    // checks-policy.ts has found the name among the registries.
    registry: written.registry as RegistryName | undefined,
    repositories: compileRepositoryPatterns(
      written.repositories === undefined ? ['**'] : listOf(written.repositories),
    ),
    unit,
    rules: written.rules.map((rule, at) =>
      resolveRule(rule, at, { unit, git }, source.lineOf([...path, 'rules', at])),
    ),
    unmatched: written.unmatched,
    ...(written.emptied !== undefined && { emptied: written.emptied }),
    line: source.lineOf(path),
    unmatchedLine: source.lineOf([...path, 'unmatched']),
  }
}

function resolveRule(
  written: WrittenRule,
  index: number,
  { unit, git }: { readonly unit: Unit; readonly git: WrittenGit | undefined },
  line: number,
): Rule {
  return {
    name: written.name ?? `rule ${index + 1}`,
    line,
    match: listOf(written.match).map(resolveMatch),
    not: listOf(written.not).map(resolveMatch),
    except: listOf(written.except).map(resolveMatch),
    effect: written.delete ? resolveDelete(written.delete, unit) : resolveKeep(written.keep ?? {}, unit, git),
  }
}

function resolveMatch(written: WrittenMatch): MatchBlock {
  const lists = {
    tags: tagPatterns(written.tags),
    tagsAll: tagPatterns(written.tagsAll),
    tagsEvery: tagPatterns(written.tagsEvery),
    digests: patterns(written.digests),
    holdsDigests: patterns(written.holdsDigests),
    artifactType: patterns(written.artifactType),
    mediaType: patterns(written.mediaType),
    platform: patterns(written.platform),
    labels: patternsByKey(written.labels),
    annotations: patternsByKey(written.annotations),
    semver: written.semver === undefined ? undefined : compileRange(written.semver),
    tagged: written.tagged,
    largerThanBytes: written.largerThan === undefined ? undefined : sizeBytes(written.largerThan),
    state: written.state === undefined ? undefined : listOf(written.state),
    werf: written.werf,
    created: written.created,
    locked: written.locked,
    part: written.part,
  }
  // A field that is absent must hold for nothing; one that is undefined is not in the type.
  return Object.fromEntries(Object.entries(lists).filter(([, value]) => value !== undefined))
}

function tagPatterns(written: string | readonly string[] | undefined): TagPatterns | undefined {
  return written === undefined ? undefined : compileTagPatterns(listOf(written))
}

function patterns(written: string | readonly string[] | undefined): readonly TextPattern[] | undefined {
  return written === undefined ? undefined : listOf(written).map(compileTagPattern)
}

function patternsByKey(
  written: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, TextPattern>> | undefined {
  if (!written) return undefined
  return Object.fromEntries(
    Object.entries(written).map(([name, pattern]) => [name, compileTagPattern(pattern)]),
  )
}

function resolveCounting(written: WrittenKeep | WrittenDelete, unit: Unit, timezone: string): Counting {
  return {
    by: written.by ?? 'pushed',
    ...(written.countBy !== undefined && { countBy: written.countBy }),
    per: written.per === undefined ? undefined : compileStreamTemplate(written.per),
    count: written.count ?? (unit === 'tag' ? 'tags' : 'images'),
    // With one criterion both mean the same; with more the checks have made it be written.
    combine: written.combine ?? 'any',
    timezone,
  }
}

function resolveGitRule(written: WrittenGitRule, git: WrittenGit | undefined): GitCriterion {
  const [of, pattern] =
    written.branches !== undefined
      ? (['branch', written.branches] as const)
      : written.tags !== undefined
        ? (['tag', written.tags] as const)
        : (['pull-request', written.pullRequests ?? '.*'] as const)
  return {
    kind: 'git',
    repository: gitNameOf(written.repository, git),
    of,
    pattern: compileTagPattern(`/${pattern}/`),
    references: resolveGitLimit(written.references),
    images: resolveGitLimit(written.images),
    graceMs: written.grace === undefined ? 0 : durationMs(written.grace),
  }
}

function resolveGitLimit(written: WrittenGitRule['references']): GitLimit {
  return {
    ...(written?.newest !== undefined && { newest: written.newest }),
    ...(written?.within !== undefined && { withinMs: durationMs(written.within) }),
    // With one half both mean the same; with two the checks have made it be written.
    combine: written?.combine ?? 'any',
  }
}

function resolveKeep(written: WrittenKeep, unit: Unit, git: WrittenGit | undefined): KeepEffect {
  const criteria: KeepCriterion[] = []
  if (written.all) criteria.push({ kind: 'all' })
  if (written.newest !== undefined) criteria.push({ kind: 'newest', count: written.newest })
  if (written.within !== undefined) criteria.push({ kind: 'within', ms: durationMs(written.within) })
  if (written.pulledWithin !== undefined) {
    criteria.push({ kind: 'pulled-within', ms: durationMs(written.pulledWithin) })
  }
  if (written.git !== undefined) criteria.push(resolveGitRule(written.git, git))
  const counts: Partial<Record<Calendar, number>> = {}
  for (const calendar of calendarKeys) {
    const count = written[calendar]
    if (count !== undefined) counts[calendar] = count
  }
  if (Object.keys(counts).length > 0) criteria.push({ kind: 'calendar', counts })
  return { kind: 'keep', criteria, ...resolveCounting(written, unit, written.timezone ?? 'UTC') }
}

function resolveDelete(written: WrittenDelete, unit: Unit): DeleteEffect {
  const criteria: DeleteCriterion[] = []
  if (written.all) criteria.push({ kind: 'all' })
  if (written.olderThan !== undefined)
    criteria.push({ kind: 'older-than', ms: durationMs(written.olderThan) })
  if (written.beyondNewest !== undefined)
    criteria.push({ kind: 'beyond-newest', count: written.beyondNewest })
  if (written.notPulledFor !== undefined) {
    criteria.push({ kind: 'not-pulled-for', ms: durationMs(written.notPulledFor) })
  }
  const countAmong = written.countAmong ?? 'matched'
  return {
    kind: 'delete',
    criteria,
    countAmong,
    ...(written.onePageOf !== undefined && { onePageOf: written.onePageOf }),
    ...resolveCounting(written, unit, 'UTC'),
  }
}
