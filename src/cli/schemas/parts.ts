/** What the schemas of several formats share. Formats only grow, so keys that are not named here are allowed. */
import * as z from 'zod'

export const digest = z
  .string()
  .regex(/^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/)
  .describe('A digest, such as sha256: and 64 hexadecimal digits.')
export const instant = z.iso
  .datetime({ offset: true })
  .describe('RFC 3339 with an offset, such as 2026-01-31T00:00:00Z.')
export const count = z.int().min(0)
export const bytes = count.describe('In bytes.')
export const registryName = z.string().describe('The name of the registry in winnow.yaml.')
export const repositoryName = z.string().describe('Without a host: team/app.')
export const tagName = z.string()

export const reason = z.looseObject({
  kind: z.string().describe('A stable name, such as in-use or unmatched.'),
  text: z.string().describe('For people; may be reworded.'),
  source: z.string().optional().describe('The source of evidence, where one is the reason.'),
  rule: z.string().optional().describe('The name of the rule, where one is the reason.'),
  line: z.int().optional().describe('Where the rule stands in winnow.yaml.'),
})

export const decidedBy = z.looseObject({
  policy: z.string(),
  rule: z.string().describe('The name of the rule, or unmatched.'),
  line: z.int().describe('Where it stands in winnow.yaml.'),
})

const clock = z
  .looseObject({ kind: z.enum(['pushed', 'recorded', 'created', 'first-seen', 'pulled']), at: instant })
  .nullable()
  .describe('The time the decision went by; null for an undated image.')

const line = {
  registry: registryName,
  repository: repositoryName,
  digest,
  reasons: z.array(reason).describe('Why, in the order in which they count.'),
  sizeBytes: bytes.nullable().optional().describe("The manifest's own size."),
  imageBytes: bytes.optional().describe('Of the whole image: every manifest, config and layer, each once.'),
  clock: clock.optional(),
}

export const deleteAction = z.looseObject({
  kind: z.literal('delete'),
  ...line,
  tags: z.array(tagName).describe('All tags of the root; they go with it.'),
  with: z.array(digest).describe('Every manifest that goes along, in the order of deletion.'),
  withTags: z
    .array(z.looseObject({ tag: tagName, digest }))
    .optional()
    .describe('Tags of manifests that go along.'),
  sourceOf: z
    .array(digest)
    .optional()
    .describe('Stages of werf that stay, were built from it, and do not keep it, as the policy says.'),
  decidedBy,
  notRestorable: z
    .string()
    .nullable()
    .optional()
    .describe('Why an undo could not put it back, where it could not.'),
})

export const untagAction = z.looseObject({ kind: z.literal('untag'), ...line, tag: tagName, decidedBy })

export const keptImage = z.looseObject({
  ...line,
  tags: z.array(tagName),
  otherwise: decidedBy
    .nullable()
    .optional()
    .describe('What would have deleted it, had nothing protected it; null where a rule keeps it.'),
})

export const imageInUse = z.looseObject({
  reference: z.string().describe('An image reference; as written, or normalised.'),
  normalized: z.string().optional().describe('The reference with host, path and tag or digest.'),
  where: z.string().optional().describe('Where it stands, for people: Deployment shop/app, or FILE:LINE.'),
  guess: z.boolean().optional().describe('Pieced together: it protects, but its absence is no finding.'),
})

export const digestInUse = z.looseObject({
  digest: digest.describe('Of a manifest, an index or an image config.'),
  where: z.string().optional(),
  manifest: z.boolean().optional().describe('Known not to be of a config.'),
})
