/** winnow.yaml as written. Unknown keys are mistakes everywhere: a misspelt `keep` would be a deletion. */
import * as z from 'zod'
import { key } from './fields.ts'
import { evidenceSchema, limitsSchema, protectSchema } from './schema-evidence.ts'
import { gitSchema } from './schema-git.ts'
import { policySchema } from './schema-policy.ts'
import { registriesSchema } from './schema-registry.ts'

export const fileSchema = z.strictObject({
  $schema: key(z.string(), 'JSON Schema', 'For editors; Winnow does not read it.').optional(),
  version: key(z.literal(1), 'Version', 'The version of this format: 1.'),
  registries: key(
    registriesSchema,
    'Registries',
    'The registries, each under a name of your choice.',
  ).optional(),
  evidence: key(
    evidenceSchema,
    'Evidence',
    'Who is asked which images are in use. Nobody, when left out; the plan then says so.',
  ).optional(),
  git: key(
    gitSchema,
    'Git',
    'The Git repositories that images are built from, for rules by Git history.',
  ).optional(),
  protect: key(protectSchema, 'Protections', 'Reasons to keep that no rule overrides.').optional(),
  limits: key(
    limitsSchema,
    'Limits',
    'Where a run stops before it does anything. `--yes` does not lift them.',
  ).optional(),
  policies: key(
    z.array(policySchema),
    'Policies',
    'What is kept and deleted. A repository that no policy matches is untouched.',
  ).optional(),
})

export type WrittenFile = z.infer<typeof fileSchema>

let printed: Readonly<Record<string, unknown>> | undefined

/** The JSON Schema of winnow.yaml, for editors; `winnow schema` prints it. */
export function printSchema(): Readonly<Record<string, unknown>> {
  // Made once, and only when asked for: a command that finds no mistakes never pays for it.
  printed ??= makeSchema()
  return printed
}

function makeSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(fileSchema, { io: 'input', reused: 'inline' }) as Record<string, unknown>
  return { ...schema, title: 'winnow.yaml', description: 'The configuration of Winnow.' }
}
