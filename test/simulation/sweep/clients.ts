/** Who uses the simulated registry: people who push, one who deletes, one who restarts it. */
import type { Random } from '../../oracle/random.ts'
import type { Account } from './account.ts'
import { lastRepository, manifests, repositories, type Blob, type Manifest } from './content.ts'
import type { Actor, Scheduler } from './scheduler.ts'
import { ConnectionResetError, type SimulatedRegistry } from './simulated-registry.ts'

export interface Town {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly registry: SimulatedRegistry
  readonly account: Account
}

const ATTEMPTS_MAX = 10

export async function pushSome(
  town: Town,
  actor: Actor,
  { pushes, pauseMs }: { readonly pushes: number; readonly pauseMs: number },
): Promise<void> {
  const { random, scheduler } = town
  for (let i = 0; i < pushes; i += 1) {
    await scheduler.sleep(actor, random.between(0, pauseMs))
    const tag = random.chance(0.6) ? random.pick(['a', 'b']) : undefined
    await push(town, actor, random.pick(repositories), random.pick(manifests), tag)
  }
}

async function push(
  town: Town,
  actor: Actor,
  repository: string,
  manifest: Manifest,
  tag: string | undefined,
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    try {
      for (const child of manifest.children) await push(town, actor, repository, child, undefined)
      for (const blob of manifest.blobs) await pushBlob(town, actor, repository, blob, attempt)
      if (await town.registry.putManifest(actor, repository, manifest, tag)) {
        town.account.count('accepted')
        town.account.note(`${actor.name}: ${repository} has ${short(manifest.digest)}`)
        return
      }
      town.account.count('refused')
      town.account.note(`${actor.name}: ${repository} refuses ${short(manifest.digest)}`)
    } catch (error) {
      if (!(error instanceof ConnectionResetError)) throw error
      town.account.count('reset')
    }
    await town.scheduler.sleep(actor, town.random.between(0, 3000))
  }
  throw new Error(`${repository} refused ${manifest.digest} ${ATTEMPTS_MAX} times`)
}

async function pushBlob(
  { random, registry }: Town,
  actor: Actor,
  repository: string,
  blob: Blob,
  attempt: number,
): Promise<void> {
  // A client asks first; one that was refused a few times sends everything again.
  const asks = attempt < 3 && random.chance(0.8)
  if (asks && (await registry.headBlob(actor, repository, blob.digest))) return
  const from = random.pick(repositories)
  const mounts = attempt < 3 && from !== repository && random.chance(0.4)
  if (mounts && (await registry.mount(actor, from, repository, blob.digest))) return
  await registry.upload(actor, repository, blob)
}

export async function deleteSome(
  town: Town,
  actor: Actor,
  { deletions, pauseMs }: { readonly deletions: number; readonly pauseMs: number },
): Promise<void> {
  const { random, scheduler, registry } = town
  for (let i = 0; i < deletions; i += 1) {
    await scheduler.sleep(actor, random.between(0, pauseMs))
    const candidates = [...registry.live.values()].filter(({ repository }) => repository !== lastRepository)
    if (candidates.length === 0) continue
    const { repository, manifest } = random.pick(candidates)
    try {
      if (await registry.deleteManifest(actor, repository, manifest.digest)) town.account.count('deleted')
      town.account.note(`${actor.name}: ${repository} loses ${short(manifest.digest)}`)
    } catch (error) {
      if (!(error instanceof ConnectionResetError)) throw error
    }
  }
}

export async function restartSometimes(town: Town, actor: Actor, restarts: number): Promise<void> {
  const { random, scheduler, registry } = town
  for (let i = 0; i < restarts; i += 1) {
    await scheduler.sleep(actor, random.between(5000, 90_000))
    registry.restart()
    town.account.count('restarted')
    town.account.note('the registry restarts')
  }
}

export function short(digest: string): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 8)
}
