import { describe, expect, it } from 'vitest'
import { commandOfTask } from './acr-task.ts'

const purge = "acr purge --filter 'app:v.*' --ago 30d"

describe('a task file', () => {
  const task = (...steps: readonly string[]): string =>
    ['version: v1.1.0', 'steps: # of a task', ...steps, ''].join('\n')

  it.each([
    ['as it is', `  - cmd: ${purge}`],
    ['in double quotes', `  - cmd: "${purge}"`],
    ['in single quotes', "  - cmd: 'acr purge --filter ''app:v.*'' --ago 30d' # weekly"],
    ['beside other keys', `  - id: purge\n    cmd: ${purge}\n    timeout: 3600`],
    ['with a path', `  - cmd: mcr.microsoft.com/acr/${purge}`],
  ])('%s', (_, step) => {
    const found = commandOfTask(task(step))
    expect('text' in found && found.text.trim().replace('mcr.microsoft.com/acr/', '')).toBe(purge)
    const line = task(step)
      .split('\n')
      .findIndex((each) => each.includes('cmd:'))
    expect('text' in found && found.text.split('\n').findIndex((each) => each !== '')).toBe(line)
  })

  it('leaves out steps that do something else', () => {
    const found = commandOfTask(task('  - cmd: docker ps', `  - cmd: ${purge}`))
    expect(found).toEqual({ text: `\n\n\n${purge}\n` })
  })

  it.each([
    ['a second step that purges', task(`  - cmd: ${purge}`, `  - cmd: ${purge}`), 4, 'A second step purges'],
    ['no step that purges', task('  - cmd: docker ps'), 3, 'No step'],
    ['no step at all', task(), 1, 'No step'],
    [
      'a command over several lines',
      task('  - cmd: >', '      acr purge', '      --ago 1d'),
      3,
      'several lines',
    ],
  ])('is refused with %s', (_, text, line, problem) => {
    const found = commandOfTask(text)
    expect(found).toMatchObject({ place: { line }, problem: expect.stringContaining(problem) as string })
  })
})

describe('az', () => {
  it.each([
    ['run', `az acr run --cmd "${purge}" --registry shop /dev/null`],
    ['run, joined', `az acr run --cmd="${purge}" -r shop /dev/null`],
    ['task create', `az acr task create --name purge --cmd "${purge}" --registry shop --context /dev/null`],
  ])('%s', (_, text) => {
    expect(commandOfTask(text)).toEqual({ text: `${purge}\n`, registry: 'shop' })
  })

  const run = (use: string): string => `az acr run \\\n  --cmd ${use} \\\n  --registry shop /dev/null\n`
  it.each([
    ['as documented', `# weekly\nPURGE_CMD="${purge}"\n${run('"$PURGE_CMD"')}`, 2],
    ['in single quotes', `CMD='acr purge --filter "app:v.*" --ago 30d'\n\n${run('"${CMD}"')}`, 1],
    ['exported', `export PURGE_CMD="${purge}"\r\n${run('"$PURGE_CMD"')}`, 1],
    ['over several lines', `CMD="acr purge \\\n --filter 'app:v.*' --ago 30d"\n${run('"$CMD"')}`, 1],
  ])('run, with its command in a variable %s', (_, text, line) => {
    const found = commandOfTask(text)
    expect(found).toMatchObject({ registry: 'shop' })
    const lines = 'text' in found ? found.text.split('\n') : []
    expect(lines.findIndex((each) => each !== '')).toBe(line - 1)
    expect(lines[line - 1]?.replaceAll('"', "'").replace(/ +/g, ' ')).toBe(purge)
  })

  it.each([
    ['of another name', `CMD="${purge}"\n${run('"$PURGE_CMD"')}`],
    ['without quotes around its use', `CMD="${purge}"\n${run('$CMD')}`],
    ['used within a text', `CMD="${purge}"\n${run('"$CMD --keep 3"')}`],
    ['used twice', `CMD="${purge}"\n${run('"$CMD"')}${run('"$CMD"')}`],
    ['of another variable', `CMD="acr purge --filter '$REPO:.*'"\n${run('"$CMD"')}`],
    ['without quotes', `CMD=acr\n${run('"$CMD"')}`],
  ])('is told what to do with a variable %s', (_, text) => {
    expect(commandOfTask(text)).toMatchObject({
      place: { line: 1, column: 1 },
      problem: expect.stringContaining('Write the value of CMD as the command') as string,
    })
  })

  it('needs a command', () => {
    expect(commandOfTask('az acr run --registry shop /dev/null')).toMatchObject({
      problem: expect.stringContaining('--cmd') as string,
    })
  })
})

it('takes any other text for what it is', () => {
  for (const text of [purge, '', 'az acr list', "acr purge --filter 'open"]) {
    expect(commandOfTask(text)).toEqual({ text })
  }
})
