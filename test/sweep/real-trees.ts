/** The same trees, left by a real registry that was really pushed to: so that those written by hand are known to be like them. */
import type { DockerRegistry } from '../servers/docker-registry.ts'
import {
  pushBlob,
  pushImage,
  pushIndex,
  pushMultiPlatform,
  pushReferrer,
  type PushedImage,
  type PushedManifest,
} from '../servers/push.ts'
import { fail, registryRequest } from '../servers/registry-request.ts'
import type { FaultTree } from './fault-trees.ts'

type Known = PushedManifest & Partial<Pick<PushedImage, 'configDigest' | 'layerDigests'>>

export interface RealFault {
  readonly id: string
  readonly push: (url: string) => Promise<Partial<FaultTree>>
}

export const realFaults: readonly RealFault[] = [
  { id: 'F1', push: f1 },
  { id: 'F2', push: f2 },
  { id: 'F4', push: f4 },
  { id: 'F5', push: f5 },
  { id: 'F6', push: f6 },
  { id: 'F11', push: f11 },
]

/** Pushes the fault and the bystanders. The server still runs then; whoever asked stops it. */
export async function pushFault({ push }: RealFault, { url }: DockerRegistry): Promise<FaultTree> {
  const rest = await push(url)
  const layers = [Buffer.from('shared by both')]
  const stays = await pushImage(url, 'other/app', { tags: ['stays'], layers: [...layers, Buffer.from('a')] })
  const went = await pushImage(url, 'other/app', { tags: ['went'], layers: [...layers, Buffer.from('b')] })
  await deleteByDigest(url, 'other/app', went.digest)
  const needed = new Set([...(rest.needed ?? []), ...digestsOf(stays)])
  // The configuration of both says the same layers or not; what is shared stays.
  return { ...rest, needed: [...needed], garbage: digestsOf(went).filter((digest) => !needed.has(digest)) }
}

export async function deleteByDigest(url: string, repository: string, digest: string): Promise<void> {
  const response = await registryRequest(url, 'DELETE', `/v2/${repository}/manifests/${digest}`)
  if (response.status !== 202) await fail(`cannot delete ${repository}@${digest}`, response)
}

function digestsOf(...manifests: readonly Known[]): readonly string[] {
  return manifests.flatMap(({ digest, configDigest, layerDigests = [] }) => [
    digest,
    ...(configDigest === undefined ? [] : [configDigest]),
    ...layerDigests,
  ])
}

async function f1(url: string): Promise<Partial<FaultTree>> {
  const index = await pushMultiPlatform(url, 'team/app', { tags: ['1.0'] })
  return { needed: digestsOf(index, ...index.children, ...index.attestations) }
}

async function f2(url: string): Promise<Partial<FaultTree>> {
  const layers = [Buffer.from('the same in both repositories')]
  const pushed = []
  for (const repository of ['a/x', 'b/y']) {
    const child = await pushImage(url, repository, { layers })
    pushed.push(child, await pushIndex(url, repository, { tags: ['1.0'], children: [child.descriptor] }))
  }
  await deleteByDigest(url, 'a/x', pushed[0]?.digest ?? '')
  return { needed: digestsOf(...pushed) }
}

async function f4(url: string): Promise<Partial<FaultTree>> {
  const inner = await pushIndex(url, 'index/only', { children: [] })
  const outer = await pushIndex(url, 'index/only', { tags: ['1.0'], children: [inner.descriptor] })
  return { needed: digestsOf(inner, outer) }
}

async function f5(url: string): Promise<Partial<FaultTree>> {
  const layer = await pushBlob(url, 'team/app', Buffer.from('up, and no manifest yet'))
  return { untouchable: [layer.digest] }
}

async function f6(url: string): Promise<Partial<FaultTree>> {
  const image = await pushImage(url, 'team/app', { tags: ['1.0'] })
  const signature = await pushReferrer(url, 'team/app', image.descriptor, { fallback: 'never' })
  return { needed: digestsOf(image, signature) }
}

async function f11(url: string): Promise<Partial<FaultTree>> {
  const child = await pushImage(url, 'team/app')
  const index = await pushIndex(url, 'team/app', { tags: ['1.0'], children: [child.descriptor] })
  const fallback = 'never'
  const sbom = await pushReferrer(url, 'team/app', child.descriptor, { fallback })
  const signature = await pushReferrer(url, 'team/app', sbom.descriptor, { fallback })
  return { needed: digestsOf(child, index, sbom, signature) }
}
