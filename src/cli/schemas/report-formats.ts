/** What the commands that look and check report, as schemas. */
import * as z from 'zod'
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

export const importComparisonSchema = z.looseObject({
  schemaVersion: z.literal('import-comparison/v1'),
  images: z.array(
    z.looseObject({
      repository: z.string(),
      name: z.string().describe('A tag, or a digest.'),
      source: z
        .enum(['delete', 'keep', 'not looked at', 'not told apart'])
        .describe(
          'What the source says it would do; not told apart: its name of the repository fits several.',
        ),
      winnow: z.enum(['delete', 'keep', 'not in the inventory']),
      outcome: z.enum(['agree', 'kept here', 'deleted here', 'not looked at', 'not told apart', 'unknown']),
      why: z.string().describe('The reasons of both sides; for people.'),
      digest: digest
        .optional()
        .describe('Left out where the source names a tag that the inventory does not have.'),
      tags: z
        .array(z.string())
        .optional()
        .describe('All tags of that digest; left out where the inventory does not have it.'),
      platformOf: z
        .looseObject({ digest, tags: z.array(z.string()), platform: z.string().optional() })
        .optional()
        .describe('The index that it is a platform of.'),
    }),
  ),
})

const sweptBlob = {
  digest,
  sizeBytes: bytes,
  reason: z.string().describe('For people; may be reworded.'),
  pool: z.string().optional().describe('The folder of its blobs, where the storage has several.'),
}

const sweptPath = { path: z.string().describe('Within the storage.'), reason: sweptBlob.reason }

export const sweepSchema = z.looseObject({
  schemaVersion: z.literal('sweep/v1'),
  registry: registryName,
  run: z
    .string()
    .describe('For winnow sweep --restore, once blobs were set aside; of a plan it names nothing.'),
  mode: z.enum(['online', 'maintenance']),
  fence: instant.describe('Nothing younger than this is touched.'),
  applied: z.boolean().describe('False for a plan: then the actions are what would be done.'),
  complete: z
    .boolean()
    .describe('False when it was told to stop, or could not put back all that it was asked for.'),
  summary: z.looseObject({
    manifests: count.describe('Those that a root leads to, the roots among them.'),
    blobs: count.describe('What is stored: layers, configs and manifests.'),
    blobsMarked: count.describe('Of these, what is needed.'),
    blobsGarbage: count.describe('Of these, what nothing needs and nothing protects by its age.'),
    bytesGarbage: bytes,
    setAside: count,
    restored: count.describe('Put back.'),
    freed: count,
    bytesFreed: bytes,
    linksRemoved: count,
    repositoriesRemoved: count,
    uploadsRemoved: count,
  }),
  actions: z.array(
    z.discriminatedUnion('kind', [
      z.looseObject({ kind: z.enum(['set-aside', 'restore', 'free']), ...sweptBlob }),
      z.looseObject({ kind: z.enum(['remove-link', 'remove-repository', 'remove-upload']), ...sweptPath }),
    ]),
  ),
  warnings: z.array(z.string()),
})

const collectorState = z.enum(['planned', 'done', 'failed', 'stopped', 'running', 'unknown', 'not-begun'])

const collectorTimes = {
  startedAt: instant.optional().describe('By the clock of Winnow; absent before it is begun.'),
  endedAt: instant.optional().describe('Absent while it may still run.'),
  bytesFreed: bytes.optional().describe('Absent where the product does not tell; so are the next two.'),
  blobsFreed: count.optional(),
  manifestsFreed: count.optional(),
}

export const collectorSchema = z.looseObject({
  schemaVersion: z.literal('collector/v1'),
  registry: registryName,
  product: z.string(),
  applied: z.boolean().describe('False where it is only said what would be asked.'),
  state: collectorState.describe(
    'Running: Winnow stopped following, and it goes on by itself. Stopped: by somebody, in the registry. Unknown: nobody tells how it ended.',
  ),
  ...collectorTimes,
  steps: z.array(
    z.looseObject({
      name: z.string().describe('For people; may be reworded.'),
      asks: z.string().describe('The request that begins it.'),
      state: collectorState,
      wasRunning: z.boolean().describe('It ran already, so it was followed and not begun.'),
      text: z.string().describe('What the registry says of its end; may be empty.'),
      ...collectorTimes,
    }),
  ),
  warnings: z.array(z.string()),
})

export const linkedSchema = z.looseObject({
  schemaVersion: z.literal('linked/v1'),
  image: z.string().describe('With host and digest.'),
  registry: registryName,
  repository: repositoryName,
  digest: digest.describe('Of what the name meant; of an index, if it was one.'),
  recordedIn: z.enum(['registry', 'file', 'state']),
  commits: z.array(
    z.looseObject({
      commit: z.string(),
      state: z.enum(['linked', 'already-linked']),
      tag: tagName.nullable().describe('Of the record, where it is in the registry.'),
    }),
  ),
})
