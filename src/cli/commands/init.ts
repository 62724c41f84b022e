import type { CommandSpec } from '../command.ts'

export const initSpec: CommandSpec = {
  name: 'init',
  summary: 'look at a registry, and write a winnow.yaml that fits it',
  description:
    'Looks at one registry, proposes a policy from what its tags look like and the contexts of your kubeconfig, and writes a commented winnow.yaml with its JSON Schema beside it. Nothing in the registry is changed, and a file that is there is not overwritten. Without --registry-url or --storage it asks.',
  options: [
    { flags: '--registry-url <url>', description: 'the registry, such as https://registry.example.com' },
    { flags: '--storage <dir>', description: "the folder of a registry's files, instead of its address" },
    { flags: '--name <name>', description: 'what to call it in winnow.yaml', default: 'registry' },
    {
      flags: '--alias <host>',
      description: 'another name that clusters know the registry by',
      repeatable: true,
    },
    { flags: '--print', description: 'print the configuration and write nothing' },
    { flags: '--force', description: 'overwrite a winnow.yaml that is there' },
  ],
  examples: [
    {
      line: 'winnow init --registry-url https://registry.example.com',
      does: 'proposes a policy for that registry',
    },
    {
      line: 'winnow init --storage /var/lib/registry',
      does: 'the same from its files, without a running registry',
    },
  ],
  formats: ['table'],
  load: async () => (await import('./init-body.ts')).initBody,
}
