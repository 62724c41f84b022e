/**
 * Inventories of every driver against its fake: requests and time, cold and with everything in the cache, beside the
 * arithmetic of the product's API.
 *
 *   npm run bench -- drivers [KIND…] [--repositories 200] [--latency 20]
 *
 * 200 repositories of 50 tags and 60 manifests: 45 images, and five indexes of two platforms. Each answer takes 20 ms, as
 * over a network; the fake runs in the same process, so times are an upper bound.
 */
import { createHash } from 'node:crypto'
import { takeInventory } from '../src/app/take-inventory.ts'
import { ociIndexType, ociManifestType } from '../src/core/image/media-types.ts'
import { parseRepositoryName, type RepositoryName } from '../src/core/image/names.ts'
import type { Seeder } from '../test/conformance/registry-fixture.ts'
import { labs, type LabEntry } from '../test/registries/labs.ts'
import type { RegistryLab } from '../test/registries/lab.ts'
import { report } from './measure.ts'

const IMAGES = 45
const INDEXES = 5
const PLATFORMS = 2
const counts = { tags: IMAGES + INDEXES, manifests: IMAGES + INDEXES * (PLATFORMS + 1) }
const words = process.argv.slice(2)
const valueOf = (name: string, otherwise: number): number => {
  const place = words.indexOf(`--${name}`)
  return place === -1 ? otherwise : Number(words[place + 1])
}
const repositories = valueOf('repositories', 200)
const latencyMs = valueOf('latency', 20)
const wanted = words.filter((word) => /^[a-z]/.test(word))

type Row = Readonly<Record<string, string | number>>

const rows: Row[] = []
for (const entry of labs) {
  if (wanted.length > 0 && !wanted.includes(entry.kind)) continue
  console.error(`Measuring ${entry.kind}`)
  rows.push(await measure(entry))
}
report({
  title: `Inventories of ${repositories} repositories, ${repositories * counts.tags} tags, ${repositories * counts.manifests} manifests, with ${latencyMs} ms an answer`,
  rows,
  budgets: [],
})

async function measure({ kind, start, repositoryOf, arithmetic }: LabEntry): Promise<Row> {
  const lab = await start({ latencyMs })
  try {
    await seed(lab, repositoryOf ?? ((mark) => `team/${mark}`))
    const cold = await inventory(lab)
    const warm = await inventory(lab)
    const expected = arithmetic.requests({ repositories, ...counts })
    return {
      driver: kind,
      'cold requests': cold.requests,
      'cold s': cold.seconds.toFixed(1),
      'again requests': warm.requests,
      'again s': warm.seconds.toFixed(1),
      arithmetic: `${arithmetic.text} = ${expected}`,
    }
  } finally {
    await lab.stop()
  }
}

async function inventory(lab: RegistryLab): Promise<{ readonly requests: number; readonly seconds: number }> {
  for (const fake of lab.fakes) fake.forgetRequests()
  const registry = lab.nextReader?.() ?? lab.reader
  const begun = performance.now()
  const [taken] = await takeInventory([{ registry, governed: () => true }], { now: () => Date.now() })
  const seconds = (performance.now() - begun) / 1000
  const found = taken?.repositories.flatMap(({ manifests }) => manifests).length ?? 0
  const incomplete = taken?.repositories.find(({ complete }) => !complete)
  if (incomplete !== undefined) throw new Error(`${incomplete.name}: ${incomplete.problems.join('; ')}`)
  if (found < repositories * counts.manifests) throw new Error(`only ${found} manifests were found`)
  return { requests: lab.fakes.reduce((total, { requests }) => total + requests.length, 0), seconds }
}

async function seed({ seeder }: RegistryLab, repositoryOf: (mark: string) => string): Promise<void> {
  const names = Array.from({ length: repositories }, (_, each) => named(repositoryOf(`app-${each}`)))
  const left = [...names]
  const worker = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) await seedRepository(seeder, name)
  }
  await Promise.all(Array.from({ length: 32 }, worker))
}

async function seedRepository(seeder: Seeder, name: RepositoryName): Promise<void> {
  const layer = await blob(seeder, name, `layer ${name}`, 'application/vnd.oci.image.layer.v1.tar+gzip')
  const image = async (mark: string, tag: string | undefined): Promise<Descriptor> => {
    const config = await blob(
      seeder,
      name,
      JSON.stringify({ created: '2025-01-01T00:00:00Z', os: 'linux', architecture: 'amd64', mark }),
      'application/vnd.oci.image.config.v1+json',
    )
    return put(seeder, name, { config, layers: [layer] }, ociManifestType, tag)
  }
  for (let each = 0; each < IMAGES; each += 1) await image(`image ${name} ${each}`, `v${each}`)
  for (let each = 0; each < INDEXES; each += 1) {
    const manifests: Descriptor[] = []
    for (let part = 0; part < PLATFORMS; part += 1)
      manifests.push(await image(`part ${name} ${each} ${part}`, undefined))
    await put(seeder, name, { manifests }, ociIndexType, `multi${each}`)
  }
}

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

async function blob(
  seeder: Seeder,
  name: RepositoryName,
  text: string,
  mediaType: string,
): Promise<Descriptor> {
  const bytes = Buffer.from(text)
  await seeder.putBlob(name, bytes)
  return { mediaType, digest: digestOf(bytes), size: bytes.length }
}

async function put(
  seeder: Seeder,
  name: RepositoryName,
  document: object,
  mediaType: string,
  tag: string | undefined,
): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...document }))
  const digest = digestOf(bytes)
  await seeder.putManifest(name, bytes, mediaType, tag ?? digest)
  return { mediaType, digest, size: bytes.length }
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function named(text: string): RepositoryName {
  const name = parseRepositoryName(text)
  if (name === undefined) throw new Error(`${text} is no repository`)
  return name
}
