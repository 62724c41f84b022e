/** `evidence:`, `protect:` and `limits:` as written (DESIGN sections 3 and 5). */
import * as z from 'zod'
import { compileTagPattern } from '../core/policy/compile-patterns.ts'
import {
  checkedText,
  compiledText,
  count,
  duration,
  key,
  oneOrMore,
  plainName,
  text,
  wholeNumber,
} from './fields.ts'

const exclusion = z.strictObject({
  resource: key(
    text,
    'Resource',
    'What is not read: `secrets`, `rollouts.argoproj.io`, or all of a group as `*.argoproj.io`.',
    { examples: ['rollouts.argoproj.io', '*.metrics.example.com'] },
  ),
  reason: key(text, 'Reason', 'Why nothing in it uses images; it stands in every report.'),
})

const scope = z.strictObject({
  namespaces: key(
    z.array(text).min(1),
    'Namespaces',
    'The only namespaces that are read. Whoever writes them declares that nothing else uses the images.',
  ),
})

const cluster = z.strictObject({
  name: key(plainName, 'Name', 'What plans and `--without-evidence` call it: `kubernetes:NAME`.'),
  kubeconfig: key(
    text,
    'Kubeconfig',
    'The kubeconfig file; KUBECONFIG or ~/.kube/config when left out.',
  ).optional(),
  context: key(
    text,
    'Context',
    'The context in it; may be left out when the file has exactly one.',
  ).optional(),
  inCluster: key(
    z.literal(true),
    'In cluster',
    'Uses the service account of the pod that Winnow runs in.',
  ).optional(),
  dump: key(
    text,
    'Dump',
    'A file with the output of `kubectl get … -A -o json`, for a cluster out of reach.',
  ).optional(),
  exclude: key(
    z.array(exclusion).min(1),
    'Exclude',
    'Kinds that are not read, each with a reason. A kind that may not be read and is not excluded stops the plan.',
  ).optional(),
  scope: key(scope, 'Scope', 'Reads some namespaces instead of the whole cluster.').optional(),
  allowEmpty: key(
    z.boolean(),
    'Allow empty',
    'A cluster without any pod is normal; otherwise it stops the plan.',
    { default: false },
  ).optional(),
  strict: key(
    z.boolean(),
    'Strict',
    'References that cannot be read stop the plan, also where they are only a warning otherwise.',
    { default: false },
  ).optional(),
})

const helm = z.strictObject({
  revisions: key(
    z.union([z.literal('all'), wholeNumber(1, 10_000), z.literal(false)]),
    'Revisions',
    'How many stored revisions of each release count as in use: `all`, the newest N, or `false` (needs `reason`).',
    { default: 'all' },
  ),
  reason: key(
    text,
    'Reason',
    'Why Helm’s revisions do not count: `helm rollback` may then find its image gone.',
  ).optional(),
})

const references = z.strictObject({
  name: key(plainName, 'Name', 'What plans and `--without-evidence` call it: `references:NAME`.'),
  file: key(text, 'File', 'A file with one reference or digest a line.'),
})

export const evidenceSchema = z.strictObject({
  kubernetes: key(
    z.array(cluster).min(1),
    'Kubernetes',
    'The clusters that run images of these registries.',
  ).optional(),
  helm: key(helm, 'Helm', 'What of the stored Helm releases in these clusters counts as in use.').optional(),
  references: key(
    z.array(references).min(1),
    'References',
    'Files that name images in use elsewhere.',
  ).optional(),
})

/** The text of a pattern on tags; empty ones are refused, because no tag is empty. */
export const tagPattern = compiledText((source) => compileTagPattern(source.replace(/^!/, '')))
  .min(1)
  .meta({ examples: ['v*', '!v0.*', String.raw`/v\d+\.\d+/`] })

export const protectSchema = z.strictObject({
  youngerThan: key(
    duration,
    'Younger than',
    'Protects images younger than this by the newest time known of them; undated ones too. 0s switches it off.',
    { default: '24h' },
  ).optional(),
  seenInUseWithin: key(
    duration,
    'Seen in use within',
    'Protects images that evidence saw in use within this time, from Winnow’s memory. 0s switches it off.',
    { default: '7d' },
  ).optional(),
  tags: key(oneOrMore(tagPattern), 'Tags', 'Protects images with such a tag, whatever rules say.').optional(),
})

/** `30%` or 0.3 as a number from 0 to 1, or undefined. */
export function parseShare(value: string | number): number | undefined {
  const share =
    typeof value === 'number'
      ? value
      : /^\d+(?:\.\d+)?%$/.test(value)
        ? Number(value.slice(0, -1)) / 100
        : Number.NaN
  return share >= 0 && share <= 1 ? share : undefined
}

const shareHint = 'Write a percentage from "0%" to "100%", or a fraction such as 0.3.'
/** A part of a whole: `30%` or 0.3. */
export const shareSchema = z.union([
  z.number().check((context) => {
    // 1 may mean 1 % or everything; the difference is a registry.
    if (parseShare(context.value) !== undefined && context.value < 1) return
    context.issues.push({
      code: 'custom',
      message: 'A share is a fraction below 1, or a percentage.',
      input: context.value,
      params: { hint: shareHint },
    })
  }),
  checkedText((value) =>
    parseShare(value) === undefined ? { problem: 'This is not a share.', hint: shareHint } : undefined,
  ),
])

export const limitsSchema = z.strictObject({
  maxDeletions: key(count, 'Most deletions', 'The most images one run may delete.', {
    default: 500,
  }).optional(),
  maxShare: key(
    shareSchema,
    'Largest share',
    'The largest share of a registry’s governed images one run may delete. 100% switches it off.',
    { default: '30%', examples: ['30%', 0.3] },
  ).optional(),
  minSurvivors: key(
    count,
    'Fewest survivors',
    'Tagged images that each governed repository must be left with. 0 switches it off.',
    { default: 1 },
  ).optional(),
})

export type WrittenEvidence = z.infer<typeof evidenceSchema>
export type WrittenProtect = z.infer<typeof protectSchema>
export type WrittenLimits = z.infer<typeof limitsSchema>
