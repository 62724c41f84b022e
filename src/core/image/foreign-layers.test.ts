import { expect, it } from 'vitest'
import { foreignLayersOf } from './foreign-layers.ts'

const digest = `sha256:${'a'.repeat(64)}`

it.each([
  {
    name: 'a plain layer is expected',
    layer: { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' },
    foreign: false,
  },
  {
    name: 'a foreign layer of Docker may lie elsewhere',
    layer: { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' },
    foreign: true,
  },
  {
    name: 'a non-distributable layer of OCI may lie elsewhere',
    layer: { mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd' },
    foreign: true,
  },
  {
    name: 'a layer with addresses of its own may lie there',
    layer: { urls: ['https://example.com/x'] },
    foreign: true,
  },
  { name: 'an empty list of addresses is none', layer: { urls: [] }, foreign: false },
])('$name', ({ layer, foreign }) => {
  const bytes = new TextEncoder().encode(JSON.stringify({ layers: [{ digest, ...layer }] }))
  expect([...foreignLayersOf(bytes)]).toEqual(foreign ? [digest] : [])
})

it.each(['', 'null', '[]', '{"layers":3}', '{"layers":[null,1,{"digest":5,"urls":["x"]}]}'])(
  'finds nothing in %j',
  (text) => {
    expect([...foreignLayersOf(new TextEncoder().encode(text))]).toEqual([])
  },
)
