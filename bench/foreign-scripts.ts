/** What the programs that Winnow is measured beside are told to do. */
import { manifestTypes } from '../src/core/image/media-types.ts'
import type { SampleImages } from './sample-images.ts'

const accept = [...manifestTypes, '*/*;q=0.1'].join(', ')

/**
 * The requests of a cold inventory over and over: every tag, every manifest and every config, mixed, so that a few
 * seconds see all kinds in the right shares. They are made once, so that wrk only sends.
 *
 * Tags are asked by GET, because wrk waits for a body after HEAD for ever; the registry does the same for both, and
 * sends the manifest besides.
 */
export function wrkScript({ tags, manifests, configs }: SampleImages): string {
  const paths = [
    ...tags.map(({ repository, tag }) => `/v2/${repository}/manifests/${tag}`),
    ...manifests.map(({ repository, digest }) => `/v2/${repository}/manifests/${digest}`),
    ...configs.map(({ repository, digest }) => `/v2/${repository}/blobs/${digest}`),
  ]
  return `local requests = {}
local headers = { ["Accept"] = ${JSON.stringify(accept)}, ["User-Agent"] = "wrk" }
function init()
  for _, path in ipairs({
${mixed(paths)
  .map((path) => `    ${JSON.stringify(path)},`)
  .join('\n')}
  }) do
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end
local at = 0
function request()
  at = at % #requests + 1
  return requests[at]
end
`
}

/** The same order each time: steps of a size that has no divisor in common with the number of paths. */
function mixed(paths: readonly string[]): readonly string[] {
  let step = Math.floor(paths.length * 0.618)
  while (divisor(step, paths.length) > 1) step += 1
  return paths.map((_, i) => paths[(i * step) % paths.length] ?? '')
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}

/** One script for each repository, all at once: the manifest and the config behind every tag. */
export function regbotScript(host: string, parallel: number, { tags }: SampleImages): string {
  const repositories = [...new Set(tags.map(({ repository }) => repository))]
  return `version: 1
creds:
  - {registry: "${host}", tls: disabled, reqConcurrent: ${parallel}}
defaults: {parallel: ${repositories.length}}
scripts:
${repositories
  .map(
    (repository) => `  - name: ${repository}
    script: |
      for _, name in ipairs(tag.ls("${host}/${repository}")) do
        local found = image.config("${host}/${repository}:" .. name)
      end
`,
  )
  .join('')}`
}
