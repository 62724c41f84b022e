/**
 * ECR lifecycle policies.
 *
 * ECR has no rule that keeps. An image is touched by at most one rule, and an image that the tag part of a rule with a
 * lower priority number matches is out of reach for all rules after it, whatever that rule does with it. So each rule
 * becomes a delete rule that takes the images of all rules before it out again, after counting: they do count.
 */
import { globOfWildcards, startingWith } from './globs.ts'
import type { Importer } from './importer.ts'
import {
  unnamedRegistry,
  type ImportedBlock,
  type ImportedConfiguration,
  type ImportedDelete,
  type ImportedNote,
  type ImportedRule,
} from './imported-policy.ts'
import { day, writeLength } from './lengths-of-time.ts'
import type { Reading } from './reading.ts'
import {
  entryOf,
  fileStart,
  type SourceDocument,
  type SourceMap,
  type SourceValue,
} from './source-document.ts'

export const ecrImporter: Importer = {
  system: 'ecr',
  title: 'an ECR lifecycle policy',
  format: 'json',
  source:
    'aws ecr get-lifecycle-policy --repository-name REPOSITORY --query lifecyclePolicyText --output text',
  recognises: ({ documents: [root] }) => {
    const rules = entryOf(root, 'rules')
    const isText = entryOf(root, 'lifecyclePolicyText') !== undefined
    return isText || (rules?.kind === 'list' && entryOf(rules.items[0], 'rulePriority') !== undefined)
  },
  read: readEcr,
}

interface EcrRule {
  readonly priority: number
  readonly description: string | undefined
  readonly line: number
  readonly storageClass: 'standard' | 'archive'
  readonly selects: ImportedBlock | undefined
  readonly count: Counts
  readonly isExpire: boolean
}

type Counts =
  | { readonly kind: 'count'; readonly number: number }
  | { readonly kind: 'pushed' | 'pulled' | 'transitioned'; readonly days: number }

/** "Maximum rules per lifecycle policy" in ECR's service quotas. */
const rulesMax = 50

function readEcr({ documents: [root] }: SourceDocument, reading: Reading): ImportedConfiguration | undefined {
  const reply = entryOf(root, 'lifecyclePolicyText')
  if (reply !== undefined) {
    reading.refuse(
      reply.place,
      'This is the whole reply of get-lifecycle-policy; the policy is the text in it.',
      `This is how to get that alone: ${ecrImporter.source}`,
    )
    return undefined
  }
  const policy = reading.map(root, fileStart, {
    what: 'a lifecycle policy',
    known: ['rules'],
    ignored: ['$schema', 'description'],
  })
  const list = policy && reading.list(entryOf(policy, 'rules'), policy.place, 'a list of rules')
  if (list === undefined) return undefined
  if (list.items.length > rulesMax) {
    reading.refuse(
      list.place,
      `Here stand ${list.items.length} rules, and ECR takes no policy of more than ${rulesMax}.`,
    )
    return undefined
  }
  const rules = list.items.flatMap((item) => readRule(item, reading) ?? [])
  refuseTwins(rules, list.items, reading)
  const inOrder = rules.toSorted((a, b) => a.priority - b.priority)
  warnOfCounts(inOrder, reading)
  return {
    registries: [{ ...unnamedRegistry, kind: 'ecr' }],
    policies: [
      {
        name: 'ecr',
        comments: [
          'ECR asks its rules in the order of their priorities; an image belongs to the first whose tags match.',
        ],
        repositories: ['**'],
        repositoriesRemark: 'a lifecycle policy names none: write the repositories that have it',
        unit: 'image',
        rules: inOrder.map((rule, index) => toRule(rule, inOrder.slice(0, index), reading)),
        unmatched: 'keep',
        unmatchedRemark: 'ECR expires nothing that no rule names',
      },
    ],
  }
}

function readRule(value: SourceValue, reading: Reading): EcrRule | undefined {
  const rule = reading.map(value, value.place, {
    what: 'a rule',
    known: ['rulePriority', 'description', 'selection', 'action'],
    orNothing: ['description'],
  })
  if (rule === undefined) return undefined
  const priority = reading.whole(entryOf(rule, 'rulePriority'), { min: 1 })
  if (priority === undefined)
    reading.refuse(rule.place, 'A rule needs `rulePriority`: the order decides what is deleted.')
  const selection = reading.map(entryOf(rule, 'selection'), rule.place, {
    what: 'a selection',
    known: [
      'tagStatus',
      'tagPrefixList',
      'tagPatternList',
      'storageClass',
      'countType',
      'countUnit',
      'countNumber',
    ],
    orNothing: [],
  })
  const action = reading.map(entryOf(rule, 'action'), rule.place, {
    what: 'an action',
    known: ['type', 'targetStorageClass'],
    orNothing: [],
  })
  if (selection === undefined || action === undefined || priority === undefined) return undefined
  const type = reading.choice(entryOf(action, 'type'), ['expire', 'transition'])
  if (type === undefined) reading.refuse(action.place, 'An action needs `type`: expire or transition.')
  reading.choice(entryOf(action, 'targetStorageClass'), ['archive'])
  const count = readCount(selection, reading)
  const selects = readTags(selection, reading)
  if (count === undefined) return undefined
  return {
    priority,
    description: reading.text(entryOf(rule, 'description')),
    line: rule.place.line,
    storageClass: reading.choice(entryOf(selection, 'storageClass'), ['standard', 'archive']) ?? 'standard',
    selects,
    count,
    isExpire: type === 'expire',
  }
}

function readTags(selection: SourceMap, reading: Reading): ImportedBlock | undefined {
  const status = reading.choice(entryOf(selection, 'tagStatus'), ['tagged', 'untagged', 'any'])
  const prefixes = reading.texts(entryOf(selection, 'tagPrefixList'))
  const patterns = reading.texts(entryOf(selection, 'tagPatternList'))
  const lists = [prefixes, patterns].filter((each) => each !== undefined)
  if (status === undefined) {
    if (entryOf(selection, 'tagStatus') === undefined)
      reading.refuse(selection.place, 'A selection needs `tagStatus`.')
    return undefined
  }
  if (status !== 'tagged') {
    if (lists.length > 0) {
      reading.refuse(selection.place, `With \`tagStatus: ${status}\` there can be no list of tags.`)
    }
    return status === 'untagged' ? { tagged: false } : undefined
  }
  const entries = lists[0]?.length === 0 ? undefined : lists[0]
  if (lists.length !== 1 || entries === undefined) {
    const message = 'With `tagStatus: tagged` there must be one list: `tagPrefixList` or `tagPatternList`.'
    reading.refuse(selection.place, message)
    return undefined
  }
  // Each entry must be met by some tag, not always the same: that is `tagsEvery`.
  const toGlob =
    prefixes === undefined ? (text: string) => globOfWildcards(text, { question: false }) : startingWith
  const globs = entries.map(toGlob)
  return globs.length === 1 ? { tags: globs } : { tagsEvery: globs }
}

function readCount(selection: SourceMap, reading: Reading): Counts | undefined {
  const types = [
    'imageCountMoreThan',
    'sinceImagePushed',
    'sinceImagePulled',
    'sinceImageTransitioned',
  ] as const
  const type = reading.choice(entryOf(selection, 'countType'), types)
  const number = reading.whole(entryOf(selection, 'countNumber'), { min: 1 })
  if (entryOf(selection, 'countType') === undefined)
    reading.refuse(selection.place, 'A selection needs `countType`.')
  if (entryOf(selection, 'countNumber') === undefined) {
    reading.refuse(selection.place, 'A selection needs `countNumber`.')
  }
  const unit = reading.choice(entryOf(selection, 'countUnit'), ['days'])
  if (type === undefined || number === undefined) return undefined
  if (type === 'imageCountMoreThan') {
    if (unit !== undefined)
      reading.refuse(selection.place, '`countUnit` goes with ages, and this rule counts images.')
    return { kind: 'count', number }
  }
  if (unit === undefined) reading.refuse(selection.place, 'An age needs `countUnit`: days.')
  const kinds = {
    sinceImagePushed: 'pushed',
    sinceImagePulled: 'pulled',
    sinceImageTransitioned: 'transitioned',
  } as const
  return { kind: kinds[type], days: number }
}

function refuseTwins(rules: readonly EcrRule[], items: readonly SourceValue[], reading: Reading): void {
  rules.forEach((rule, index) => {
    const twin = rules.findIndex((other) => other.priority === rule.priority)
    const place = entryOf(items[index], 'rulePriority')?.place
    if (twin !== index && place !== undefined) {
      reading.refuse(
        place,
        `Two rules have the priority ${rule.priority}, and their order decides what is deleted.`,
      )
    }
  })
}

function toRule(rule: EcrRule, earlier: readonly EcrRule[], reading: Reading): ImportedRule | ImportedNote {
  const told = rule.description === undefined || rule.description === '' ? '' : `: ${rule.description}`
  const origin = `line ${rule.line}, rulePriority ${rule.priority}${told}`
  const left = leftOut(rule)
  if (left !== undefined) {
    reading.warn({ line: rule.line, column: 1, length: 1, path: '' }, `rulePriority ${rule.priority} ${left}`)
    return { comments: [origin, `Left out: it ${left}`] }
  }
  const claims = earlier.filter(({ storageClass }) => storageClass === 'standard')
  const isClosed = claims.some(({ selects }) => selects === undefined)
  if (isClosed) {
    return {
      comments: [origin, 'Left out: a rule before it has `tagStatus: any`, so no image is left to it.'],
    }
  }
  const except = claims.flatMap(({ selects }) =>
    selects !== undefined && meets(selects, rule.selects) ? [selects] : [],
  )
  return {
    name:
      rule.description === undefined || rule.description === ''
        ? `priority ${rule.priority}`
        : rule.description,
    comments: [
      origin,
      ...(except.length === 0 ? [] : ['`except`: what the rules before it speak of is theirs.']),
    ],
    ...(rule.selects !== undefined && { match: [rule.selects] }),
    ...(except.length > 0 && { except }),
    delete: deletion(rule.count),
  }
}

/** Whether an image can be matched by both: one with tags is none without. */
function meets(a: ImportedBlock, b: ImportedBlock | undefined): boolean {
  return b === undefined || (a.tagged === false) === (b.tagged === false)
}

/** Why a rule becomes no rule; the sentence goes on from its name. */
function leftOut(rule: EcrRule): string | undefined {
  if (!rule.isExpire) {
    return 'moves images to the archive class, and Winnow has no such act: they are kept where they are.'
  }
  if (rule.storageClass === 'archive') {
    return 'expires archived images, which Winnow never deletes: they count as locked, and are kept.'
  }
  if (rule.count.kind === 'pulled' || rule.count.kind === 'transitioned') {
    return 'expires by a time that ECR knows only of archived images, and those are kept.'
  }
  return undefined
}

function deletion(count: Counts): ImportedDelete {
  // Archived images are locked, and ECR does not count them; children of indexes are no images to Winnow.
  return count.kind === 'count'
    ? { beyondNewest: count.number, countAmong: 'eligible' }
    : { olderThan: writeLength(count.days * day) }
}

function warnOfCounts(rules: readonly EcrRule[], reading: Reading): void {
  const counting = rules.find(({ count, isExpire }) => isExpire && count.kind === 'count')
  if (counting === undefined) return
  reading.warn(
    { line: counting.line, column: 1, length: 1, path: '' },
    'imageCountMoreThan counts the platforms of multi-platform images as images of their own; Winnow counts whole images, so it keeps more.',
  )
}
