/** What the sandbox's page has of Slack, with a tiny app that uses all of it. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { section } from '../sandbox/tiny-bot.js'
import { become, openHome, picture, startBrowser, unfold } from './browser.js'
import { controls, plan, type Showcase, startShowcase } from './showcase.js'

describe('the page of the sandbox', () => {
  let show: Showcase
  let browser: Browser
  let page: Page
  const errors: string[] = []

  beforeAll(async () => {
    ;[show, browser] = await Promise.all([startShowcase(), startBrowser()])
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    page.setDefaultTimeout(20_000)
  })
  afterAll(async () => {
    await browser?.close()
    await show?.stop()
  })
  beforeEach(async () => {
    // What a failed test left open.
    const ann = show.workspace.as(show.workspace.people.ann.id)
    while (ann.topView()) await ann.close()
    await page.setViewportSize({ width: 1280, height: 800 })
    await page.goto(show.workspace.url)
    await log().waitFor()
  })

  const log = () => page.getByRole('log', { name: 'Messages in #platform' })
  const heard = (what: string) => log().getByText(`Heard ${what}`).waitFor()
  /** What has the focus: the name or the text of the element. */
  const focused = () =>
    page.evaluate(() => {
      const { activeElement: one } = document
      if (one instanceof HTMLInputElement && one.labels?.[0]) return one.labels[0].textContent
      const label = document.getElementById(one?.getAttribute('aria-labelledby') ?? '')
      return one?.getAttribute('aria-label') ?? label?.textContent ?? one?.textContent ?? ''
    })

  it('shows the app’s home in a tab, and its forms and choices work', async () => {
    const home = await openHome(page)
    await home.getByRole('heading', { name: 'Your clones' }).waitFor()
    await picture(page, 'page-1-home')
    await home.getByRole('button', { name: 'Clone an app' }).click()
    const form = page.getByRole('dialog', { name: 'Clone' })
    await form.waitFor()
    await page.keyboard.press('Escape')
    await form.waitFor({ state: 'hidden' })
    await home.getByRole('combobox').click()
    await page.getByRole('option', { name: 'The mine' }).click()
    await home.getByText('Only yours').waitFor()
    await page.getByRole('tab', { name: 'Home' }).press('ArrowRight')
    await page.getByRole('tabpanel', { name: 'Messages' }).getByText('turned off').waitFor()
    expect(await page.getByRole('textbox').count()).toBe(0)
  })

  it('draws a plan with the state of each step in words, and a screen reader gets the fallback text', async () => {
    const ts = await show.post(':hourglass: Copying *shop-api* <@U1|Ann> &amp; more', [plan(1), controls])
    const message = page.getByRole('article', { name: 'dolly: hourglass Copying shop-api Ann & more' })
    const steps = message.getByRole('listitem')
    await steps.first().waitFor()
    const marks = await message.getByRole('listitem').getByRole('img').all()
    expect(await Promise.all(marks.map((mark) => mark.getAttribute('aria-label')))).toEqual([
      'Done',
      'In progress',
      'Not started',
    ])
    const said = page.getByRole('status', { name: 'New messages' })
    expect(await said.textContent()).toContain('dolly: hourglass Copying shop-api Ann & more')
    await picture(page, 'page-2-plan')
    const channel = show.workspace.channels.platform.id
    await show.app.client.chat.update({ channel, ts, text: 'Copied', blocks: [plan(3)] })
    await page.getByRole('article', { name: 'dolly: Copied' }).getByText('3/3').waitFor()
  })

  it('asks before a dangerous button, and has menus, people and dates in messages', async () => {
    await show.post('Controls', [section('Controls'), controls])
    const message = page.getByRole('article', { name: 'dolly: Controls' })
    await message.getByRole('button', { name: 'Delete' }).click()
    const question = page.getByRole('dialog', { name: 'Delete shop-api-pr-11?' })
    await picture(page, 'page-3-confirm')
    await question.getByRole('button', { name: 'Delete it' }).click()
    await heard('delete')
    await message.getByRole('button', { name: 'More options' }).press('Enter')
    await page.getByRole('menuitem', { name: 'The mute' }).press('ArrowDown')
    expect(await focused()).toBe('The stop')
    await page.keyboard.press('Enter')
    await heard('more stop')
    await message.getByRole('combobox', { name: 'Approver' }).click()
    await page.getByRole('option', { name: 'Eli Frost' }).click()
    await heard(`who ${show.workspace.people.eli.id}`)
    await message.getByLabel('Keep until').fill('2026-12-24')
    await heard('until 2026-12-24')
  })

  it('keeps a question open while its message is edited, and sends the answer though the button is gone', async () => {
    const ts = await show.post('Running', [section('Running'), controls])
    await page.getByRole('article', { name: 'dolly: Running' }).getByRole('button', { name: 'Delete' }).click()
    const question = page.getByRole('dialog', { name: 'Delete shop-api-pr-11?' })
    await question.waitFor()
    const channel = show.workspace.channels.platform.id
    const before = await page.getByText('Heard delete').count()
    await show.app.client.chat.update({ channel, ts, text: 'Ended', blocks: [section('Ended')] })
    await page.locator('article[aria-label="dolly: Ended"]').waitFor()
    await question.getByRole('button', { name: 'Delete it' }).click()
    await page.getByText('Heard delete').nth(before).waitFor()
    expect(await question.count()).toBe(0)
  })

  it('opens forms from the shortcuts of the composer and of a message', async () => {
    await page.getByRole('button', { name: 'Shortcuts' }).press('Enter')
    await page.getByRole('menuitem', { name: /Clone an app/ }).press('Enter')
    const form = page.getByRole('dialog', { name: 'Clone' })
    await form.waitFor()
    await page.keyboard.press('Escape')
    await form.waitFor({ state: 'hidden' })
    await show.workspace.as(show.workspace.people.bo.id).write(show.workspace.channels.platform.id, 'shop-web hangs')
    const message = page.getByRole('article', { name: 'Bo Chen: shop-web hangs' })
    await message.hover()
    await message.getByRole('button', { name: 'More actions' }).click()
    await picture(page, 'page-4-message-menu')
    await page.getByRole('menuitem', { name: /Clone this/ }).click()
    await form.getByText('From: shop-web hangs').waitFor()
    await form.getByRole('button', { name: 'Cancel' }).click()
  })

  it('keeps the focus in a form on every page, and Escape closes it', async () => {
    await page.getByRole('button', { name: 'Shortcuts' }).click()
    await page.getByRole('menuitem', { name: /Clone an app/ }).click()
    await page.getByRole('dialog', { name: 'Clone' }).waitFor()
    expect(await focused()).toBe('Name')
    await page.keyboard.type('shop')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Sure?' }).waitFor()
    await expect.poll(focused).toBe('Sure?')
    const stops: string[] = []
    for (let press = 0; press < 4; press += 1) {
      await page.keyboard.press('Tab')
      stops.push(await focused())
    }
    expect(stops).toEqual(['Exit', 'Cancel', 'Next', 'Exit'])
    await page.getByRole('button', { name: 'Next' }).press('Enter')
    await page.getByRole('dialog', { name: 'Really?' }).waitFor()
    await expect.poll(focused).toBe('Really?')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog', { name: 'Sure?' }).waitFor()
    await expect.poll(focused).toBe('Sure?')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    expect(await focused()).toBe('Shortcuts')
  })

  it('has the thread beside the channel, never over a box to write in, also in a narrow window', async () => {
    const root = await show.post('A root')
    await show.post('A reply', [section('A reply'), controls], root)
    for (const width of [1280, 900]) {
      await page.setViewportSize({ width, height: 700 })
      await page.reload()
      const message = page.getByRole('article', { name: 'dolly: A root' })
      await message.getByRole('button', { name: '1 reply' }).click()
      const thread = page.getByRole('region', { name: 'Thread' })
      await thread.getByText('A reply').waitFor()
      await picture(page, `page-5-thread-${width}`)
      const boxes = await Promise.all(
        [page.getByRole('textbox', { name: 'Message #platform' }), thread].map((one) => one.boundingBox()),
      )
      const [composer, pane] = boxes
      expect((composer?.x ?? 0) + (composer?.width ?? 0)).toBeLessThanOrEqual(pane?.x ?? 0)
      expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBe(0)
    }
    await page.getByRole('button', { name: 'Show what is behind the scenes' }).click()
    expect(await page.getByRole('textbox', { name: 'Message #platform' }).isVisible()).toBe(false)
    expect(await page.getByRole('textbox', { name: 'Reply to thread' }).isVisible()).toBe(true)
  })

  it('follows new messages at the end, and says so to those who read further up', async () => {
    for (let at = 0; at < 15; at += 1) await show.post(`Old ${at}`)
    await log().getByText('Old 14').waitFor()
    const rest = () => log().evaluate((list) => list.scrollHeight - list.scrollTop - list.clientHeight)
    await expect.poll(rest).toBeLessThan(2)
    await log().evaluate((list) => {
      list.scrollTop = 0
    })
    await show.post('The news')
    const pill = page.getByRole('button', { name: 'New messages' })
    await pill.waitFor()
    await picture(page, 'page-6-new-messages')
    await pill.press('Enter')
    await expect.poll(rest).toBeLessThan(2)
    await pill.waitFor({ state: 'hidden' })
    await show.post('More news')
    await log().getByText('More news').waitFor()
    await expect.poll(rest).toBeLessThan(2)
  })

  it('draws a button that does nothing yet as one', async () => {
    const send = page.getByRole('button', { name: 'Send' })
    const look = () => send.evaluate((one) => [getComputedStyle(one).backgroundColor, getComputedStyle(one).cursor])
    expect(await send.isDisabled()).toBe(true)
    const off = await look()
    expect(off[1]).toBe('not-allowed')
    await send.hover({ force: true })
    expect(await look()).toEqual(off)
    await page.getByRole('textbox', { name: 'Message #platform' }).fill('Hello')
    expect((await look())[0]).not.toBe(off[0])
  })

  it('shows reactions and files', async () => {
    const timestamp = await show.post('Done')
    const channel = show.workspace.channels.platform.id
    await show.app.client.reactions.add({ channel, timestamp, name: 'white_check_mark' })
    const message = page.getByRole('article', { name: 'dolly: Done' })
    await message.getByRole('listitem', { name: 'white check mark, 1' }).waitFor()
    const { ann } = show.workspace.people
    await show.app.client.filesUploadV2({ channel_id: ann.directChannel, filename: 'history.csv', content: 'job\n' })
    const messages = await openHome(page, 'Messages')
    const file = messages.getByRole('link', { name: /history\.csv/ })
    const [download] = await Promise.all([page.waitForEvent('download'), file.click()])
    expect(download.suggestedFilename()).toBe('history.csv')
    await picture(page, 'page-7-file')
  })

  it('runs a workflow step and shows its outputs', async () => {
    const builder = await unfold(page, 'Workflow Builder')
    await builder.getByRole('button', { name: /Run/ }).click()
    await page.getByText('preset is required.').waitFor()
    await builder.getByRole('textbox', { name: 'Preset' }).fill('nightly')
    await builder.getByRole('button', { name: /Run/ }).click()
    await builder.getByText('job of nightly').waitFor()
  })

  it('lets a second person see and do what is theirs', async () => {
    await show.post('Approve?', [section('Approve?'), controls])
    await become(page, 'Eli Frost')
    await page.getByRole('article', { name: 'dolly: Approve?' }).getByRole('button', { name: 'Cancel' }).click()
    await heard('cancel')
    await become(page, 'Fay Green')
    expect(await log().getByText('Heard cancel').count()).toBe(0)
  })

  it('shows no errors in the browser console', () => {
    expect(errors).toEqual([])
  })
})
