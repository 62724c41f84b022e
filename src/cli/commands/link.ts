import type { CommandSpec } from '../command.ts'

export const linkSpec: CommandSpec = {
  name: 'link',
  summary: 'record which commit an image was built from, for rules that ask Git',
  description:
    'For CI, after the push: records that an image was built from a commit, in the registry beside the image, as an artifact attached to it. The record lives and dies with the image. Without --commit the commit is taken from the variables of the CI, and stderr says which. Run again it changes nothing; any number of builds may link the same image at once. Without winnow.yaml the registry in the name is used, with the credentials of docker login or podman login.',
  arguments: [
    {
      usage: '<image>',
      description: 'registry.example.com/team/app:1.2, or …@sha256:…, as it was pushed',
    },
  ],
  options: [
    {
      flags: '--commit <sha>',
      description: 'a commit it was built from, as the full id of 40 or 64 hexadecimal digits',
      repeatable: true,
    },
    {
      flags: '--ref <name>',
      description: 'the branch or tag it was built for; tells people, decides nothing',
    },
    { flags: '--source <url>', description: 'where the sources are; credentials in it are left out' },
    {
      flags: '--file <file>',
      description: 'append the link to a file instead, for registries that may not be written to',
    },
    {
      flags: '--record <where>',
      description: 'where the link is kept: beside the image, or in the state directory of Winnow',
      choices: ['registry', 'state'],
      default: 'registry',
    },
    {
      flags: '--insecure',
      description: 'without winnow.yaml: plain http to a registry that is not on this machine',
    },
  ],
  examples: [
    {
      line: 'winnow link registry.example.com/team/app:1.2',
      does: 'in CI: links the image to the commit that is being built',
    },
    {
      line: 'winnow link registry.example.com/team/app@sha256:… --commit "$(git rev-parse HEAD)"',
      does: 'anywhere else',
    },
  ],
  formats: ['table', 'wide', 'json', 'ndjson', 'yaml', 'markdown', 'csv', 'names'],
  load: async () => (await import('./link-body.ts')).linkBody,
}
