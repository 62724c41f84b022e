/** What the commands that look and check report, as schemas. */
import { z } from 'zod'
import { bytes, count, digest, instant, reason, registryName, repositoryName, tagName } from './parts.ts'

export const undoSchema = z.looseObject({
  schemaVersion: z.literal('undo/v1'),
  run: z.string().nullable().describe('The run of the undo itself; null when there was nothing to do.'),
  undone: z.string().describe('The run that was taken back.'),
  outcome: z.enum(['done', 'partly', 'interrupted', 'failed']),
  counts: z.record(z.string(), count).describe('How many lines had each outcome.'),
  lines: z.array(
    z.looseObject({
      kind: z.enum(['manifest', 'tag']).describe('What was to be put back.'),
      registry: registryName,
      repository: repositoryName,
      digest,
      tag: tagName.nullish(),
      outcome: z.enum(['restored', 'present', 'drifted', 'blocked', 'failed']),
      text: z.string().describe('Why it was not put back, or a remark.'),
    }),
  ),
})

const policyOfImage = z.looseObject({ name: z.string(), line: z.int(), unit: z.enum(['image', 'tag']) })

export const explainSchema = z.looseObject({
  schemaVersion: z.literal('explain/v1'),
  now: instant.describe('What every age was measured from.'),
  registry: registryName,
  repository: repositoryName,
  digest,
  tags: z.array(tagName),
  outcome: z.enum(['keep', 'delete', 'not-governed', 'part-of']),
  partOf: z
    .array(z.looseObject({ digest, tags: z.array(tagName) }))
    .describe('The images it lives and dies with.'),
  state: z.enum(['complete', 'missing-children', 'orphaned-referrer']),
  imageBytes: bytes,
  manifests: count,
  policy: policyOfImage.nullable(),
  reasons: z.array(reason).describe('What decided, as the plan says it.'),
  rules: z
    .array(
      z.looseObject({
        rule: z.string(),
        line: z.int(),
        kind: z.enum(['keep', 'delete']),
        tag: tagName.nullable(),
        says: z.enum(['no-match', 'reached', 'decides']),
        text: z.string(),
      }),
    )
    .describe('Every rule of the policy, and what it says.'),
  times: z.array(z.looseObject({ what: z.string(), at: instant, ignored: z.string().nullable() })),
  wouldChange: z.array(z.string()).describe('What would have to change for another outcome.'),
})

export const verifySchema = z.looseObject({
  schemaVersion: z.literal('verify/v1'),
  counts: z.looseObject({ whole: count, missing: count, broken: count }),
  references: z.array(
    z.looseObject({
      registry: registryName,
      repository: z.string(),
      tag: tagName.nullable(),
      digest: digest.nullable(),
      state: z.enum(['whole', 'missing', 'broken']).describe('Broken: it is there, and parts of it are not.'),
      missing: z.array(z.string()).describe('What is not there.'),
      usedBy: z.array(z.looseObject({ source: z.string(), where: z.string() })),
    }),
  ),
})

export const doctorSchema = z.looseObject({
  schemaVersion: z.literal('doctor/v1'),
  healthy: z.boolean().describe('False when a check failed.'),
  checks: z.array(
    z.looseObject({
      subject: z.string().describe('What it is about: state, registry prod, kubernetes lab.'),
      what: z.string(),
      state: z.enum(['ok', 'warning', 'failed']),
      text: z.string().describe('What was found.'),
      cure: z.string().nullable(),
    }),
  ),
})

export const policyCheckSchema = z.looseObject({
  schemaVersion: z.literal('policy-check/v1'),
  file: z.string(),
  valid: z.boolean().describe('False when there are mistakes; warnings leave it true.'),
  diagnostics: z.array(
    z.looseObject({
      file: z.string(),
      line: count.describe('Counted from 1.'),
      column: count.describe('Counted from 1.'),
      severity: z.enum(['error', 'warning']),
      message: z.string(),
      hint: z.string().optional(),
      frame: z.string().describe('The lines around the place, with a caret beneath it.'),
    }),
  ),
})
