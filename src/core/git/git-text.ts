/** Why Git keeps an image, or does not: the way from the image over its commit to a reference, with dates and ranks. */
import { formatAge, formatDuration } from '../policy/rules/ages.ts'
import { ordinal } from '../policy/rules/newest.ts'
import type { GitCriterion, GitLimit } from '../policy/policy.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import type { CommitIndex } from './commit-graph.ts'
import { isCommitId } from './commit-id.ts'
import type { GitHistory, GitReference } from './git-history.ts'
import type { LinkOrigin } from './image-link.ts'
import type { GitPath, GitQuestion } from './git-question.ts'
import { firstReaching } from './reach.ts'
import type { ReachedLink, ResolvedLinks } from './resolve-links.ts'
import { rankReferences, type SelectedReference } from './select-references.ts'

/** `← commit 3f2a… of 2026-01-30 (label) ← branch main of 2026-01-31, 1st newest of 12: 2nd newest commit with images, 10 kept`. */
export function pathText(
  { selected, commit, rank }: GitPath,
  links: ResolvedLinks,
  question: GitQuestion,
): string {
  const { history, criterion } = question
  const origin = links.reached.find((each) => each.commit === commit)?.link.origin
  const way = `← ${commitText(history, commit, origin)} ← ${referenceText(selected)}`
  return rank === undefined ? way : `${way}: ${placeText(rank, criterion)}`
}

/** An image that stays because its commit is not known. */
export function unknownText({ unknown }: ResolvedLinks, { name }: GitHistory): string {
  const [link] = unknown
  if (link !== undefined && !isCommitId(link.commit))
    return `"${link.commit}"${originText(link.origin)} names no commit that could be looked for in ${name}`
  const isShort = link !== undefined && link.commit.length < 40
  const id = `${shortId(link?.commit ?? '')}${originText(link?.origin)}`
  return isShort
    ? `its commit ${id} is not one commit of ${name} that could be told`
    : `its commit ${id} is not in ${name}`
}

/** Why the rule does not keep an image that it reaches. */
export function whyNotText(links: ResolvedLinks, question: GitQuestion): string {
  const [first] = links.reached
  if (first !== undefined) return whyNotKept(first, links, question)
  const [gone] = links.unreached
  if (gone !== undefined)
    return `no branch or tag of ${question.history.name} reaches its commit ${shortId(gone.commit)}`
  const [unknown] = links.unknown
  return unknown === undefined
    ? 'it is linked to no commit'
    : `its commit ${shortId(unknown.commit)} is not in ${question.history.name}, which counts as unneeded`
}

function whyNotKept(first: ReachedLink, links: ResolvedLinks, question: GitQuestion): string {
  const by = reachingReference(links, question)
  if (by !== undefined) return beyondText(by.selected, by.link, links, question)
  const { history } = question
  const all = firstReaching(history.graph, history.references)
  const reference = history.references[all[first.commit] ?? -1]
  const way = `← ${commitText(history, first.commit, first.link.origin)}`
  return reference === undefined ? way : `${way} ← ${unselectedText(reference, question)}`
}

function reachingReference(
  links: ResolvedLinks,
  { history, selected }: GitQuestion,
): { readonly selected: SelectedReference; readonly link: ReachedLink } | undefined {
  const reaching = firstReaching(
    history.graph,
    selected.map(({ reference }) => reference),
  )
  for (const link of links.reached) {
    const by = selected[reaching[link.commit] ?? -1]
    if (by !== undefined) return { selected: by, link }
  }
  return undefined
}

/** A reference that counts reaches it, and the limits on images leave it out. */
function beyondText(
  selected: SelectedReference,
  { commit, link }: ReachedLink,
  links: ResolvedLinks,
  { history, criterion, now }: GitQuestion,
): string {
  const way = `← ${commitText(history, commit, link.origin)} ← ${referenceText(selected)}`
  const { newest, withinMs } = criterion.images
  const age = now - history.graph.committedAtOf(commit)
  const aged =
    withinMs === undefined ? [] : [`its commit is ${formatAge(age)} old, past ${formatDuration(withinMs)}`]
  const ranked =
    newest === undefined
      ? []
      : [
          newest === 1
            ? 'not the newest commit with images'
            : `not among the ${newest} newest commits with images`,
        ]
  return `${way}: ${[...ranked, ...aged].join(' and ')}`
}

/** The reference that does reach it is not one the rule speaks of, or is past the limits on references. */
function unselectedText(reference: GitReference, { criterion, history, now }: GitQuestion): string {
  const ranked = rankReferences(history.references, criterion, now).find(
    (each) => each.reference === reference,
  )
  if (ranked === undefined)
    return `${kindText(reference)} ${reference.name}, of which the rule does not speak`
  return `${referenceText(ranked)}: ${limitText(criterion.references, reference.datedAt, now)}`
}

function limitText({ newest, withinMs }: GitLimit, at: InstantMs, now: InstantMs): string {
  const parts = [
    ...(newest === undefined ? [] : [`${newest} newest count`]),
    ...(withinMs === undefined ? [] : [`${formatAge(now - at)} old, past ${formatDuration(withinMs)}`]),
  ]
  return parts.join(', ')
}

function placeText(rank: number, { images }: GitCriterion): string {
  return `${ordinal(rank)} newest commit with images, ${images.newest ?? 'all'} kept`
}

function referenceText({ reference, rank, of }: SelectedReference): string {
  const place = of === 1 ? '' : `, ${ordinal(rank)} newest of ${of}`
  return `${kindText(reference)} ${reference.name} of ${dayOf(reference.datedAt)}${place}`
}

function kindText({ kind }: GitReference): string {
  return kind === 'pull-request' ? 'pull request' : kind
}

function commitText({ graph }: GitHistory, commit: CommitIndex, origin: LinkOrigin | undefined): string {
  return `commit ${shortId(graph.idOf(commit))} of ${dayOf(graph.committedAtOf(commit))}${originText(origin)}`
}

function originText(origin: LinkOrigin | undefined): string {
  return origin === undefined || origin === 'inventory' ? '' : ` (by ${origin})`
}

/** Twelve digits are what Git itself shortens to in the largest histories. */
function shortId(id: string): string {
  return id.slice(0, 12)
}

function dayOf(at: InstantMs): string {
  return new Date(at).toISOString().slice(0, 10)
}
