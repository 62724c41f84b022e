/** Every format of Winnow as JSON Schema (draft 2020-12), by name. */
import * as z from 'zod'
import { printSchema } from '../../config/schema.ts'
import {
  applySchema,
  evidenceSchema,
  historySchema,
  inventorySchema,
  linkSchema,
  planSchema,
} from './file-formats.ts'
import {
  collectorSchema,
  doctorSchema,
  explainSchema,
  importComparisonSchema,
  linkedSchema,
  policyCheckSchema,
  sweepSchema,
  undoSchema,
  verifySchema,
} from './report-formats.ts'

type JsonSchema = Readonly<Record<string, unknown>>

/** In the order the reference lists them; adding a format is one line here. */
export const jsonSchemas: ReadonlyMap<string, () => JsonSchema> = new Map([
  ['configuration', printSchema],
  ['plan', () => printed(planSchema, 'plan/v1', 'A plan: what would be deleted, what stays, and why.')],
  ['inventory', () => printed(inventorySchema, 'inventory/v1', 'What one registry holds.')],
  ['evidence', () => printed(evidenceSchema, 'evidence/v1', 'What named sources say is in use.')],
  [
    'link',
    () => printed(linkSchema, 'link/v1', 'One line of a file of links from images to commits (NDJSON).'),
  ],
  ['apply', () => printed(applySchema, 'apply/v1', 'What became of each line of a plan.')],
  ['history', () => printed(historySchema, 'history/v1', 'Past runs, the newest first.')],
  ['undo', () => printed(undoSchema, 'undo/v1', 'What became of each line of an undo.')],
  ['explain', () => printed(explainSchema, 'explain/v1', 'The whole story of one image.')],
  ['verify', () => printed(verifySchema, 'verify/v1', 'Every image in use, and whether it can be pulled.')],
  ['linked', () => printed(linkedSchema, 'linked/v1', 'What winnow link recorded.')],
  ['sweep', () => printed(sweepSchema, 'sweep/v1', 'What a sweep would free, or did.')],
  [
    'collector',
    () =>
      printed(
        collectorSchema,
        'collector/v1',
        "What a registry's own collector was asked, and how it ended.",
      ),
  ],
  ['doctor', () => printed(doctorSchema, 'doctor/v1', 'Every check, with its cure.')],
  [
    'policy-check',
    () => printed(policyCheckSchema, 'policy-check/v1', 'What is wrong or odd in the configuration.'),
  ],
  [
    'import-comparison',
    () =>
      printed(
        importComparisonSchema,
        'import-comparison/v1',
        'An imported policy beside what its source says it would delete.',
      ),
  ],
])

function printed(schema: z.ZodType, title: string, description: string): JsonSchema {
  return { ...(z.toJSONSchema(schema, { io: 'input', reused: 'inline' }) as JsonSchema), title, description }
}
