/** Starts Chromium, and the demo as a newcomer does. */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pictures = fileURLToPath(new URL('../../test-results/', import.meta.url))

export interface Demo {
  url: string
  /** Everything it printed so far. */
  output(): string
  stop(): Promise<void>
}

/** Runs `dolly demo` with these arguments and resolves with the address it prints. By default no job was there before. */
export async function startDemo(args: readonly string[] = ['--empty']): Promise<Demo> {
  const child = spawn(process.execPath, [join(root, 'dist/cli.js'), 'demo', ...args], { stdio: 'pipe' })
  let output = ''
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0]
      if (address && output.includes('Ctrl-C')) resolve(address)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    exited.then(() => reject(new Error(`The demo ended before it printed an address:\n${output}`)))
  })
  return {
    url,
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** Unfolds a part of "Behind the scenes", such as a provider, and returns it. */
export async function unfold(page: Page, name: string): Promise<Locator> {
  const part = page.getByRole('region', { name: 'Behind the scenes' }).getByRole('group', { name, exact: true })
  if ((await part.getAttribute('open')) === null) await part.locator('summary').first().click()
  return part
}

/** Opens a tab of Dolly's home. */
export async function openHome(page: Page, tab: 'Home' | 'Messages' = 'Home'): Promise<Locator> {
  await page
    .getByRole('navigation', { name: 'Workspace' })
    .getByRole('button', { name: /^dolly/ })
    .click()
  await page.getByRole('tab', { name: tab }).click()
  return page.getByRole('tabpanel', { name: tab })
}

/** Acts as this person from now on. */
export async function become(page: Page, name: string): Promise<void> {
  const people = page.getByRole('group', { name: 'You are' })
  await people.getByRole('button', { name }).click()
  await people.getByRole('button', { name, pressed: true }).waitFor()
}

/** Opens the thread of a message, whether or not it has replies, and returns it. */
export async function openThread(page: Page, message: Locator): Promise<Locator> {
  await message.hover()
  await message.getByRole('button', { name: 'Reply in thread' }).click()
  const thread = page.getByRole('region', { name: 'Thread' })
  await thread.waitFor()
  return thread
}

/** Saves a screenshot in test-results/. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true })
  await page.screenshot({ path: `${pictures}${name}.png` })
}
