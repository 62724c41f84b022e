/**
 * Twenty processes link one image at once, and no record is lost: not by its tag, and not in the list that other programs
 * read, be it the registry's own or the one under the fallback tag.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildProgram, openCommandLine, type BuiltProgram, type CommandLine } from '../e2e/cli.ts'
import { missing, titled } from '../servers/find.ts'
import { pushImage, pushReferrer } from '../servers/push.ts'
import { linkRegistries, referrersAt, tagsOf } from './registries.ts'

const builds = 20
const commits = Array.from({ length: builds }, (_, n) => (n + 1).toString(16).padStart(40, 'c'))

describe('twenty builds at once', () => {
  let program: BuiltProgram
  let commandLine: CommandLine
  beforeAll(async () => {
    program = await buildProgram()
    commandLine = await openCommandLine(program)
  })
  afterAll(async () => {
    await commandLine?.remove()
    await program?.remove()
  })

  describe.each(linkRegistries)('$name', ({ binary, hasReferrersApi, start }) => {
    it.skipIf(missing(binary))(titled('keeps every record', binary), { timeout: 180_000 }, async () => {
      const registry = await start()
      try {
        const image = await pushImage(registry.url, 'team/app', { tags: ['main'] })
        const sbom = await pushReferrer(registry.url, 'team/app', image.descriptor)
        const ended = await Promise.all(
          commits.map((commit) =>
            commandLine.winnow('link', `${registry.host}/team/app:main`, '--commit', commit),
          ),
        )
        expect(ended.filter(({ exit }) => exit !== 0)).toEqual([])

        const hex = image.digest.slice('sha256:'.length)
        const records = commits.map((commit) => `sha256-${hex}.link-${commit}`)
        expect(await tagsOf(registry.url, 'team/app')).toEqual(expect.arrayContaining(records))
        const from = hasReferrersApi ? 'api' : 'tag'
        const listed = await referrersAt(registry.url, 'team/app', image.digest, from)
        const revisions = listed.map(({ annotations }) => annotations?.['org.opencontainers.image.revision'])
        expect(revisions.filter((revision) => revision !== undefined).toSorted()).toEqual(commits.toSorted())
        // What was there before, by somebody else's hand, still is.
        expect(listed.map(({ digest }) => digest)).toContain(sbom.digest)
      } finally {
        await registry.stop()
      }
    })
  })
})
