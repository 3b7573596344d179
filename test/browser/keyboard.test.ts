/** The demo as `dolly demo` starts it, with its history, used without a mouse. */
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, picture, startBrowser, startDemo } from './browser.js'

const JOB_MS = 100_000
/** More stops than the page has. */
const MAX_STOPS = 150

describe('with the keyboard alone, in the demo', () => {
  let demo: Demo
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    ;[demo, browser] = await Promise.all([startDemo([]), startBrowser()])
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    page.setDefaultTimeout(30_000)
    await page.goto(demo.url)
    await page.getByRole('article', { name: /^Slackbot: Welcome/ }).waitFor()
  })
  afterAll(async () => {
    await browser?.close()
    await demo?.stop()
  })

  const jobs = () => page.getByRole('log', { name: 'Messages in #deploys' }).getByRole('article')

  it('somebody approves what another person asked for', async () => {
    await goTo(page.getByRole('navigation', { name: 'Workspace' }).getByRole('button', { name: /deploys/ }))
    await page.keyboard.press('Enter')
    const root = jobs().filter({ hasText: '→ billing-hotfix' })
    await goTo(root.getByRole('button', { name: 'Approve' }))
    await picture(page, 'keyboard-approve')
    await page.keyboard.press('Enter')
    const question = page.getByRole('dialog', { name: 'Are you sure?' })
    await question.getByText('→ billing-hotfix').waitFor()
    await goTo(question.getByRole('button', { name: 'Approve' }))
    await page.keyboard.press('Enter')
    await root.getByText('billing-hotfix is running').waitFor({ timeout: JOB_MS })
    expect(await root.getAttribute('aria-label')).toContain('billing-hotfix is running')
  })

  it('a failed clone is tried again, and its message says each time where it stands', async () => {
    const root = jobs().filter({ hasText: '→ checkout' })
    await root.getByText('checkout failed').waitFor({ timeout: JOB_MS })
    expect(await root.getAttribute('aria-label')).toMatch(/checkout failed.*deployment failed/)
    await goTo(root.getByRole('button', { name: 'Try again' }))
    await page.keyboard.press('Enter')
    await root.getByText(/checkout is (running|ready)/).waitFor({ timeout: JOB_MS })
    expect(await root.getAttribute('aria-label')).toMatch(/checkout is (running|ready)/)
  })

  it('a preset is opened, read, sent, and runs', async () => {
    await jobs().getByText('nightly-search').first().waitFor({ timeout: JOB_MS })
    await goTo(page.getByRole('textbox', { name: 'Message #deploys' }))
    await page.keyboard.type('/clone-app nightly-search')
    await page.keyboard.press('Enter')
    const form = page.getByRole('dialog', { name: 'Copy a container' })
    await form.waitFor()
    await goTo(form.getByRole('button', { name: 'Next' }))
    await page.keyboard.press('Enter')
    await form.getByText('Not copied', { exact: true }).waitFor()
    await goTo(form.getByRole('button', { name: 'Copy a container' }))
    await picture(page, 'keyboard-last-page')
    await page.keyboard.press('Enter')
    await form.waitFor({ state: 'hidden' })
    await jobs().getByText('search-ann-1 is running').waitFor({ timeout: JOB_MS })
  })

  it('a request that stays lost for six hours becomes a question, and its message says so', async () => {
    await goTo(page.getByRole('navigation', { name: 'Workspace' }).getByRole('button', { name: /deploys/ }))
    await page.keyboard.press('Enter')
    for (const fault of ['Put rows of odd shapes into every list', 'Drop the next write before it is carried out']) {
      const hoody = page.getByRole('group', { name: 'Hoody', exact: true })
      if ((await hoody.getAttribute('open')) === null) {
        await goTo(hoody.locator('summary').first())
        await page.keyboard.press('Enter')
        await goTo(hoody.locator('summary').last())
        await page.keyboard.press('Enter')
      }
      await goTo(hoody.getByRole('checkbox', { name: fault }))
      await page.keyboard.press('Space')
    }
    await goTo(page.getByRole('textbox', { name: 'Message #deploys' }))
    await page.keyboard.type('/clone-app hoody copy container=search project=woolworks-staging name=riddle')
    await page.keyboard.press('Enter')
    const form = page.getByRole('dialog', { name: 'Copy a container' })
    await form.waitFor()
    await goTo(form.getByRole('button', { name: 'Next' }))
    await page.keyboard.press('Enter')
    await form.getByText('Not copied', { exact: true }).waitFor()
    await goTo(form.getByRole('button', { name: 'Copy a container' }))
    await page.keyboard.press('Enter')
    await form.waitFor({ state: 'hidden' })
    const root = jobs().filter({ hasText: '→ riddle' }).first()
    await root.getByText('checking what Hoody received').waitFor({ timeout: JOB_MS })
    expect(await said(root)).toContain('riddle: checking what Hoody received')

    await goTo(page.getByRole('button', { name: 'Let seven hours pass' }))
    await page.keyboard.press('Enter')
    await root.getByText("I don't know whether").waitFor({ timeout: JOB_MS })
    expect(await said(root)).toContain('riddle: outcome unknown')
    await picture(page, 'keyboard-unknown')
  })

  it('a lost request is sent again once the person has confirmed it', async () => {
    const root = jobs().filter({ hasText: '→ riddle' }).first()
    const time = page.getByRole('group', { name: 'Time' })
    await time.getByText(/h ahead/).waitFor({ timeout: JOB_MS })
    await goTo(root.getByRole('button', { name: 'Start over' }))
    await page.keyboard.press('Enter')
    const question = page.getByRole('dialog')
    await goTo(question.getByRole('button', { name: 'Start over' }))
    await picture(page, 'keyboard-start-over')
    await page.keyboard.press('Enter')
    await root.getByText('riddle is running').waitFor({ timeout: JOB_MS })
    expect(await said(root)).toContain('riddle is running')
  })

  /** What a screen reader says of a message: the text that stands for its blocks. */
  async function said(message: Locator): Promise<string> {
    return (await message.getAttribute('aria-label')) ?? ''
  }

  /** Presses Tab until this has the focus. */
  async function goTo(target: Locator): Promise<void> {
    await target.waitFor()
    for (let stops = 0; stops < MAX_STOPS; stops += 1) {
      if (await target.evaluate((element) => element === document.activeElement)) return
      await page.keyboard.press('Tab')
    }
    throw new Error(`Tab never reaches ${target}.`)
  }
})
