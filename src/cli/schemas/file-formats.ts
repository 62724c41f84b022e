/**
 * The formats that Winnow writes and reads, as schemas. `winnow schema NAME` prints them as JSON Schema, the reference
 * page is made from them, and the tests hold what the commands write against them.
 */
import * as z from 'zod'
import {
  bytes,
  count,
  decidedBy,
  deleteAction,
  digest,
  digestInUse,
  imageInUse,
  instant,
  keptImage,
  registryName,
  repositoryName,
  tagName,
  untagAction,
} from './parts.ts'

const blob = z.looseObject({ digest, sizeBytes: bytes.optional() })
const tag = z.looseObject({
  name: tagName,
  pushedAt: instant.nullish(),
  pulledAt: instant.nullish(),
})

const manifest = z.looseObject({
  digest: digest.describe(
    'The only key that is required; what is absent or null is unknown, and unknown keeps.',
  ),
  mediaType: z.string().nullish(),
  sizeBytes: bytes.nullish().describe("The manifest's own size."),
  tags: z.array(tag).nullish(),
  createdAt: instant.nullish().describe('As the image config says it.'),
  pushedAt: instant.nullish().describe("The registry's own upload time."),
  uploadedAt: instant
    .nullish()
    .describe('When the registry first had it, where pushedAt may be of a later change.'),
  pulledAt: instant.nullish(),
  recordedAt: instant.nullish().describe('A push event that Winnow received.'),
  firstSeenAt: instant.nullish().describe('When Winnow first listed it.'),
  children: z.array(digest).nullish().describe('What an index holds.'),
  subject: digest.nullish().describe('What it is attached to.'),
  artifactType: z.string().nullish(),
  platform: z.string().nullish().describe('os/architecture, with a variant where there is one.'),
  config: blob.nullish(),
  layers: z.array(blob).nullish(),
  labels: z.record(z.string(), z.string()).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  commits: z.array(z.string()).nullish().describe('The Git commits it was built from.'),
  locked: z.boolean().nullish().describe('Immutable or protected in the registry: never deleted.'),
  missingBlobs: z.array(digest).nullish().describe('Blobs it names that are certainly gone.'),
})

export const inventorySchema = z.looseObject({
  schemaVersion: z.literal('inventory/v1'),
  registry: registryName,
  takenAt: instant.nullish().describe('When the reading began.'),
  repositories: z.array(
    z.looseObject({
      name: repositoryName,
      complete: z
        .boolean()
        .nullish()
        .describe('False when anything could not be read: nothing of it is deleted then.'),
      problems: z.array(z.string()).nullish(),
      manifests: z.array(manifest).nullish(),
    }),
  ),
})

const source = z.looseObject({
  name: z.string().min(1).describe('Such as kubernetes:prod-eu, helm:prod-eu or references:pinned.'),
  complete: z
    .boolean()
    .optional()
    .describe('Whether it answered in full; one that does not say so is taken for incomplete.'),
  leftOut: z.boolean().nullish().describe('Not asked, on purpose.'),
  identity: z.string().nullish().describe('Which world answered: the uid of kube-system.'),
  objects: count.nullish(),
  pods: count.nullish(),
  references: z.array(imageInUse).nullish(),
  digests: z.array(digestInUse).nullish(),
  problems: z
    .array(
      z.looseObject({
        severity: z.enum(['incomplete', 'warning']),
        text: z.string().optional(),
        accept: z.string().optional().describe('The name to give to --accept.'),
      }),
    )
    .nullish(),
})

export const evidenceSchema = z.looseObject({
  schemaVersion: z.literal('evidence/v1'),
  takenAt: instant,
  sources: z.array(source),
  complete: z.boolean().optional().describe('Of reference files: whether every line could be read.'),
  references: z.array(imageInUse).optional().describe('Of reference files: the lines that are references.'),
  digests: z.array(digestInUse).optional().describe('Of reference files: the lines that are digests.'),
  errors: z
    .array(z.looseObject({ line: count.min(1), text: z.string(), message: z.string() }))
    .optional()
    .describe('Of reference files: the lines that are neither.'),
})

const brokenLimit = z.looseObject({
  key: z.enum(['maxDeletions', 'maxShare', 'minSurvivors']),
  registry: registryName,
  repository: repositoryName.nullish(),
  text: z.string(),
})

export const planSchema = z.looseObject({
  schemaVersion: z.literal('plan/v1'),
  id: z.string(),
  now: instant.describe('What every age was measured from.'),
  expiresAt: instant.describe('After this it is not applied any more.'),
  complete: z
    .boolean()
    .describe('False when a repository could not be read in full; nothing of it is in actions.'),
  fingerprints: z.looseObject({ policy: digest, inventory: digest, evidence: digest }),
  summary: z.looseObject({
    images: count,
    imagesKeep: count,
    imagesDelete: count,
    manifestsDelete: count,
    tagsRemove: count,
    bytesFreed: bytes.describe('Each blob once, and only if nothing that stays refers to it.'),
    bytesApparent: bytes.describe('The plain sum.'),
  }),
  actions: z.array(z.discriminatedUnion('kind', [deleteAction, untagAction])),
  kept: z.array(keptImage),
  evidence: z.array(
    z.looseObject({
      source: z.string(),
      file: z.string().optional().describe('The evidence file it came from; apply reads it again.'),
      complete: z.boolean(),
      leftOut: z.boolean().optional(),
      identity: z.string().nullish(),
      objects: count.optional(),
      references: count.optional(),
    }),
  ),
  warnings: z.array(z.string()),
  limitsBroken: z.array(brokenLimit).optional().describe('A plan with any is never applied.'),
})

const outcome = z
  .enum(['deleted', 'untagged', 'drifted', 'in-use', 'blocked', 'failed'])
  .describe('What became of the line.')
const outcomeText = z
  .string()
  .describe('Why it was not done, or a remark; empty when there is nothing to say.')

export const applySchema = z.looseObject({
  schemaVersion: z.literal('apply/v1'),
  run: z.string().nullable().describe('For winnow undo; null when there was nothing to do.'),
  outcome: z.enum(['done', 'partly', 'interrupted', 'failed']),
  lines: z.array(
    z.discriminatedUnion('kind', [
      deleteAction.extend({ outcome, text: outcomeText }),
      untagAction.extend({ outcome, text: outcomeText, decidedBy }),
    ]),
  ),
  counts: z
    .record(z.string(), count)
    .describe(
      'How many lines had each outcome, how many are done since somebody else had removed it (alreadyGone), and how many manifests went.',
    ),
  plan: z.string().optional().describe('The id of the plan.'),
  settled: z.array(z.string()).optional().describe('What an interrupted run had left, and this one settled.'),
})

export const historySchema = z.looseObject({
  schemaVersion: z.literal('history/v1'),
  runs: z.array(
    z.looseObject({
      id: z.string(),
      kind: z.enum(['apply', 'undo', 'sweep', 'restore']),
      startedAt: instant,
      finishedAt: instant.nullish(),
      outcome: z
        .enum(['done', 'partly', 'interrupted', 'failed', 'open'])
        .describe('Open: it was killed, or still runs.'),
      registries: z.array(registryName).optional(),
      undoOf: z.string().nullish().describe('The run that an undo or a restore took back.'),
      counts: z.record(z.string(), count).optional(),
      swept: z
        .record(z.string(), count)
        .nullish()
        .describe('How many blobs a sweep or a restore set aside, restored and freed, and their bytes.'),
      undoable: z.boolean().optional(),
    }),
  ),
})

export const linkSchema = z.looseObject({
  schemaVersion: z.literal('link/v1'),
  image: z.string().describe('A reference with a digest: registry.example.com/team/app@sha256:….'),
  commits: z
    .array(z.string().regex(/^(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$/))
    .min(1)
    .describe('Full ids of the commits it was built from.'),
  ref: z.string().optional().describe('The branch or tag it was built for; decides nothing.'),
  source: z.string().optional().describe('Where the sources are.'),
})
