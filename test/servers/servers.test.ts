/** The servers for tests, tested: each starts, answers, takes and gives back an image, and is gone when stopped. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  distributionBinaries,
  findDockerRegistry,
  startDockerRegistry,
  testCredentials,
  type DockerRegistry,
} from './docker-registry.ts'
import { find, missing, titled } from './find.ts'
import { appChart, findHelm, helm } from './helm.ts'
import { startKubeApiserver, type KubeApiserver } from './kube-apiserver.ts'
import {
  addToFallbackIndex,
  pullWhole,
  pushAttestation,
  pushBlob,
  pushCosignTag,
  pushImage,
  pushIndex,
  pushManifest,
  pushMultiPlatform,
  pushReferrer,
  referrersTag,
} from './push.ts'
import { registryRequest } from './registry-request.ts'
import { startZot } from './zot.ts'

const lines = ['debian', 'v3'] as const

for (const line of lines) {
  const needed = distributionBinaries[line]
  describe.skipIf(missing(needed))(titled(`Distribution, ${line}`, needed), () => {
    let registry: DockerRegistry
    beforeAll(async () => {
      registry = await startDockerRegistry({ binary: line, maxEntries: 5 })
    })
    afterAll(async () => registry?.stop())

    it('is the version it was looked for by', () => {
      expect(registry.version).toBe(findDockerRegistry(line)?.version)
      expect(registry.version).toMatch(line === 'v3' ? /^3\./ : /^2\./)
    })

    it('gives back an image byte for byte', async () => {
      const image = await pushImage(registry.url, 'team/app', { tags: ['1.0', 'latest'], labels: { a: 'b' } })
      const pulled = await pullWhole(registry.url, 'team/app', '1.0')
      expect(pulled.manifests).toEqual([image.digest])
      expect(pulled.blobs).toEqual([image.configDigest, ...image.layerDigests])
      expect((await pullWhole(registry.url, 'team/app', image.digest)).totalBytes).toBe(pulled.totalBytes)
    })

    it('gives back what hangs on an index, and names the child that is gone', async () => {
      const index = await pushMultiPlatform(registry.url, 'team/multi', { tags: ['v1'] })
      expect((await pullWhole(registry.url, 'team/multi', 'v1')).manifests).toHaveLength(5)
      const [, arm] = index.children
      const path = `/v2/team/multi/manifests/${arm?.digest}`
      expect((await registryRequest(registry.url, 'DELETE', path)).status).toBe(202)
      await expect(pullWhole(registry.url, 'team/multi', 'v1')).rejects.toThrow(
        `child ${arm?.digest}: HTTP 404`,
      )
    })

    it('holds Docker media types, cosign tags and referrers', async () => {
      const image = await pushImage(registry.url, 'team/old', { tags: ['v1'], mediaTypes: 'docker' })
      await pushIndex(registry.url, 'team/old', {
        tags: ['list'],
        children: [image.descriptor],
        mediaTypes: 'docker',
      })
      await pushCosignTag(registry.url, 'team/old', image.digest)
      const sbom = await pushReferrer(registry.url, 'team/old', image.descriptor)
      const scan = await pushReferrer(registry.url, 'team/old', image.descriptor, { artifactType: 'a/scan' })
      // No release of Distribution so far keeps the list itself, so both are in the fallback index.
      expect(sbom.isSubjectKept).toBe(false)
      const listed = await pullWhole(registry.url, 'team/old', referrersTag(image.digest))
      expect(listed.manifests).toEqual(expect.arrayContaining([sbom.digest, scan.digest]))
      await pullWhole(registry.url, 'team/old', `${referrersTag(image.digest)}.sig`)
      await pullWhole(registry.url, 'team/old', 'list')
    })

    it('holds what is put together by hand: an attestation, a list of referrers', async () => {
      const image = await pushImage(registry.url, 'team/parts', { created: null })
      const attestation = await pushAttestation(registry.url, 'team/parts', image.digest)
      expect(attestation.descriptor.annotations?.['vnd.docker.reference.digest']).toBe(image.digest)
      await addToFallbackIndex(registry.url, 'team/parts', image.digest, attestation.descriptor)
      const listed = await pullWhole(registry.url, 'team/parts', referrersTag(image.digest))
      expect(listed.manifests).toContain(attestation.digest)
    })

    it('differs between the lines on an index of blobs, which is how BuildKit kept its cache', async () => {
      const layer = await pushBlob(registry.url, 'team/cache', Buffer.from('cached'))
      const mediaType = 'application/vnd.oci.image.index.v1+json'
      const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: [layer] }))
      const pushed = pushManifest(registry.url, 'team/cache', index, mediaType, 'buildcache')
      if (line === 'v3') {
        // 3.x wants every entry of an index to be a manifest it has.
        await expect(pushed).rejects.toThrow('MANIFEST_BLOB_UNKNOWN')
      } else {
        await pushed
        expect((await pullWhole(registry.url, 'team/cache', 'buildcache')).blobs).toEqual([layer.digest])
      }
    })

    it('refuses a larger page of the catalog than it was told to give', async () => {
      expect((await registryRequest(registry.url, 'GET', '/v2/_catalog?n=6')).status).toBe(400)
    })
  })

  describe.skipIf(missing(needed))(titled(`Distribution, ${line}, in its other ways`, needed), () => {
    it('asks for a password, takes it from the URL, and refuses deletes', async () => {
      const registry = await startDockerRegistry({ binary: line, htpasswd: testCredentials, delete: false })
      try {
        await expect(pushImage(registry.url, 'a/b', { tags: ['t'] })).rejects.toThrow('HTTP 401')
        const image = await pushImage(registry.urlWithCredentials, 'a/b', { tags: ['t'] })
        const path = `/v2/a/b/manifests/${image.digest}`
        expect((await registryRequest(registry.urlWithCredentials, 'DELETE', path)).status).toBe(405)
      } finally {
        await registry.stop()
      }
    })

    it('keeps its storage, writes nothing when read-only, and frees what was deleted', async () => {
      const storageDir = await mkdtemp(join(tmpdir(), 'winnow-storage-'))
      try {
        const first = await startDockerRegistry({ binary: line, storageDir })
        const kept = await pushImage(first.url, 'a/b', { tags: ['kept'] })
        const gone = await pushImage(first.url, 'a/b', { tags: ['gone'] })
        await registryRequest(first.url, 'DELETE', `/v2/a/b/manifests/${gone.digest}`)
        await first.kill()
        await first.stop()

        const second = await startDockerRegistry({ binary: line, storageDir, readOnly: true })
        await expect(pushImage(second.url, 'a/b', { tags: ['new'] })).rejects.toThrow('HTTP 405')
        expect(await second.collectGarbage({ dryRun: true })).toContain('3 blobs and 0 manifests eligible')
        await second.collectGarbage()
        await pullWhole(second.url, 'a/b', kept.digest)
        const blob = `/v2/a/b/blobs/${gone.configDigest}`
        expect((await registryRequest(second.url, 'GET', blob)).status).toBe(404)
        await second.stop()
        await expect(fetch(`${second.url}/v2/`)).rejects.toThrow()
      } finally {
        await rm(storageDir, { recursive: true, force: true })
      }
    })

    it('tells of a push', async () => {
      let receive: (events: string) => void
      const received = new Promise<string>((resolve) => (receive = resolve))
      const listener = createServer((request, response) => {
        let events = ''
        request.on('data', (chunk: Buffer) => (events += chunk.toString('utf8')))
        request.on('end', () => {
          response.end()
          // Blobs are told of too, and those have no tag.
          if (events.includes('"tag"')) receive(events)
        })
      })
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
      const address = listener.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      const registry = await startDockerRegistry({ binary: line, notifications: `http://127.0.0.1:${port}/` })
      try {
        await pushImage(registry.url, 'a/b', { tags: ['t'] })
        expect(await received).toContain('"action": "push"')
      } finally {
        await registry.stop()
        listener.closeAllConnections()
        listener.close()
      }
    })
  })
}

describe.skipIf(missing('zot'))(titled('zot', 'zot'), () => {
  it('gives back an image, keeps the list of referrers, and protects the child of an index', async () => {
    const zot = await startZot({ search: true })
    try {
      const index = await pushMultiPlatform(zot.url, 'team/multi', { tags: ['v1'] })
      await pullWhole(zot.url, 'team/multi', 'v1')
      expect((await pushReferrer(zot.url, 'team/multi', index.descriptor)).isSubjectKept).toBe(true)
      const child = `/v2/team/multi/manifests/${index.children[0]?.digest}`
      expect((await registryRequest(zot.url, 'DELETE', child)).status).toBe(405)
    } finally {
      await zot.stop()
    }
  })
})

describe.skipIf(missing('kube-apiserver', 'etcd'))(titled('kube-apiserver', 'kube-apiserver', 'etcd'), () => {
  let kube: KubeApiserver
  beforeAll(async () => {
    kube = await startKubeApiserver()
  })
  afterAll(async () => kube?.stop())

  it('tells the version it was built from', async () => {
    const { body } = await kube.request('GET', '/version')
    expect(body).toMatchObject({ gitVersion: `v${kube.version}` })
  })

  it('keeps what is written, and refuses who has no right to read it until it is granted', async () => {
    const containers = [{ name: 'c', image: 'registry.example.com/team/app:1.0' }]
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'one' }, spec: { containers } }
    expect((await kube.request('POST', '/api/v1/namespaces/default/pods', pod)).status).toBe(201)

    expect((await kube.request('GET', '/api/v1/pods', undefined, { as: 'winnow' })).status).toBe(403)
    await kube.grant('winnow', [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }])
    const listed = await kube.request('GET', '/api/v1/pods', undefined, { as: 'winnow' })
    expect(listed).toMatchObject({ status: 200, body: { items: [{ metadata: { name: 'one' } }] } })
    expect((await kube.request('GET', '/api/v1/secrets', undefined, { as: 'winnow' })).status).toBe(403)
    expect((await kube.request('GET', '/api/v1/pods', undefined, { as: 'restricted' })).status).toBe(403)
  })

  it('answers 410 in the middle of a list when told to', async () => {
    const list = '/apis/rbac.authorization.k8s.io/v1/clusterroles?limit=5'
    const { body } = await kube.request('GET', list)
    const { metadata } = body as { readonly metadata: { readonly continue: string } }
    const next = `${list}&continue=${metadata.continue}`
    expect((await kube.request('GET', next)).status).toBe(200)
    // Only what lies before the newest change is thrown away.
    await kube.grant('restricted', [])
    await kube.expireContinueTokens()
    expect(await kube.request('GET', next)).toMatchObject({ status: 410, body: { reason: 'Expired' } })
  })

  it.skipIf(missing('helm'))(
    titled('takes a release of Helm and a second revision of it', 'helm'),
    async () => {
      expect(findHelm()?.version).toMatch(/^\d+\./)
      const at = { kubeconfig: kube.kubeconfig, context: 'admin' }
      await helm(['install', 'web', appChart], at)
      await helm(['upgrade', 'web', appChart, '--set', 'image=registry.example.com/team/app:2.0'], at)
      const secrets = await kube.request(
        'GET',
        '/api/v1/namespaces/default/secrets?labelSelector=owner%3Dhelm',
      )
      expect(secrets.body).toMatchObject({
        items: [
          { metadata: { name: 'sh.helm.release.v1.web.v1' } },
          { metadata: { name: 'sh.helm.release.v1.web.v2' } },
        ],
      })
      await expect(helm(['install', 'web', appChart], { ...at, context: 'restricted' })).rejects.toThrow(
        'forbidden',
      )
    },
  )
})

describe('finding', () => {
  it('names what is missing and how to get it', () => {
    const lack = missing('regctl')
    if (find('regctl') === undefined) expect(lack).toContain('npm run test:servers -- --bench')
    else expect(lack).toBeUndefined()
  })
})
