/** Repositories of werf's that several tests look at, and words for what is expected of them. */
import type { Digest } from '../../src/core/image/digest.ts'
import type { ManifestRecord } from '../../src/core/inventory/inventory.ts'
import type { Plan } from '../../src/core/plan/plan.ts'
import { WerfBuilder, type WerfStage } from './make-werf-repository.ts'

export const start = Date.parse('2026-01-10T08:00:00Z')
export const hour = (n: number): number => start + n * 3_600_000
export const commit = (n: number): string => n.toString(16).padStart(2, '0').repeat(20)

export interface Story {
  readonly werf: WerfBuilder
  readonly stages: {
    /** What `front` and `back` are built on. */
    readonly base: WerfStage
    /** What `front` imports from. */
    readonly assets: WerfStage
    readonly front: WerfStage
    /** A build of `front` before. */
    readonly older: WerfStage
    /** `back` was told of it. */
    readonly back: WerfStage
    readonly rejected: WerfStage
    readonly amd64: WerfStage
    readonly arm64: WerfStage
    readonly multi: WerfStage
  }
  /** Digests of records by what they are. */
  readonly records: Readonly<Record<'front' | 'older' | 'back' | 'multi' | 'rejectedMark' | 'custom', Digest>>
  /** Digests of records on the repository. */
  readonly whole: readonly Digest[]
}

/** Two images of two commits, imports, a dependency, a rejected build, a custom tag, and an image for two platforms. */
export function tellStory(version: 2 | 3): Story {
  const werf = new WerfBuilder({ version })
  const base = werf.stage({ content: 'base', at: hour(0), commit: commit(1) })
  const assets = werf.stage({ content: 'assets', at: hour(1), commit: commit(1) })
  const older = werf.stage({ content: 'front 1', at: hour(2), commit: commit(1), parent: base })
  const front = werf.stage({
    content: 'front 2',
    at: hour(3),
    commit: commit(2),
    parent: base,
    imports: [assets],
  })
  const back = werf.stage({ content: 'back', at: hour(4), commit: commit(2), dependencies: [front] })
  const rejected = werf.stage({ content: 'broken', at: hour(5), commit: commit(2) })
  const amd64 = werf.stage({ content: 'multi', at: hour(6), commit: commit(3) })
  const arm64 = werf.stage({ content: 'multi arm', at: hour(6), commit: commit(3), architecture: 'arm64' })
  const multi = werf.index([amd64, arm64], hour(7))
  const records = {
    older: werf.link('frontend', commit(1), older, hour(8)),
    front: werf.link('frontend', commit(2), front, hour(8)),
    back: werf.link('backend', commit(2), back, hour(8)),
    multi: werf.link('multi', commit(3), multi, hour(8)),
    rejectedMark: werf.reject(rejected, hour(9)),
    custom: werf.customTag('v1.0', older, hour(9)),
  }
  werf.link('frontend', commit(2), rejected, hour(8))
  const whole = [
    ...['frontend', 'backend', 'multi', ''].map((name) => werf.managedImage(name, hour(9))),
    werf.lastCleanup(hour(10)),
    ...(version === 2
      ? werf.synchronisation(hour(0))
      : [werf.metaRepoMarker('registry.example.com/meta', hour(0))]),
  ]
  return { werf, stages: { base, assets, older, front, back, rejected, amd64, arm64, multi }, records, whole }
}

export function find(manifests: readonly ManifestRecord[], digest: Digest): ManifestRecord {
  const found = manifests.find((manifest) => manifest.digest === digest)
  if (found === undefined) throw new Error(`${digest} is not there.`)
  return found
}

/** Every digest that a plan deletes, with its company. */
export function goneDigests({ actions }: Plan): ReadonlySet<Digest> {
  return new Set(
    actions.flatMap((action) => (action.kind === 'delete' ? [action.digest, ...action.with] : [])),
  )
}

export function reasonsOf(plan: Plan, digest: Digest): readonly string[] | undefined {
  return plan.kept
    .find((line) => line.digest === digest)
    ?.reasons.map((reason) => `${reason.kind}: ${reason.text}`)
}
