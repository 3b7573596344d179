import { networkInterfaces } from 'node:os'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../sandbox/free-port.js'
import { type Demo, openThread, picture, startBrowser, startDemo, unfold } from './browser.js'

describe('a newcomer in the demo', () => {
  let demo: Demo
  let browser: Browser
  let page: Page
  let port: number
  const errors: string[] = []

  beforeAll(async () => {
    port = await freePort()
    ;[demo, browser] = await Promise.all([startDemo(['--empty', `${port}`]), startBrowser()])
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    await page.goto(demo.url)
  })
  afterAll(async () => {
    await browser?.close()
    await demo?.stop()
  })

  it('finds the demo on the port they asked for, on this machine only, and reads what to try first', async () => {
    expect(demo.url).toBe(`http://127.0.0.1:${port}`)
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
    const answers = outside.map(({ address }) => fetch(`http://${address}:${port}/`).catch(() => 'refused'))
    expect(await Promise.all(answers)).toEqual(outside.map(() => 'refused'))
    await page.getByRole('article', { name: /^Slackbot: Welcome/ }).waitFor()
    await picture(page, '0-welcome')
  })

  it('finds the command, fills in the form by type-ahead, corrects a bad name and sees the copy go live', async () => {
    const composer = page.getByRole('textbox', { name: 'Message #platform' })
    await composer.fill('/cl')
    await page.getByRole('option', { name: /clone-app/ }).waitFor()
    await picture(page, '1-completion')
    await composer.press('Tab')
    await composer.press('Enter')

    const choice = page.getByRole('dialog', { name: 'Clone an app' })
    await choice.getByRole('combobox').click()
    await picture(page, '2-choice')
    await page.getByRole('option', { name: 'Copy a container' }).click()
    await choice.getByRole('button', { name: 'Next' }).click()

    const form = page.getByRole('dialog', { name: 'Copy a container' })
    await pick(form, 'Container', 'shop', 'shop-api')
    await pick(form, 'Target project', 'stag', 'woolworks-staging', '3-type-ahead')
    await form.getByRole('textbox', { name: 'Name of the copy' }).fill('no good!')
    await form.getByRole('button', { name: 'Next' }).click()
    const error = form.getByRole('alert')
    await error.waitFor()
    expect(await error.textContent()).toContain('Use 3 to 100 letters, digits, hyphens or underscores.')
    await picture(page, '4-field-error')

    await form.getByRole('textbox', { name: 'Name of the copy' }).fill('shop-api-pr-12')
    await form.getByRole('button', { name: 'Next' }).click()
    const preview = page.getByRole('dialog', { name: 'Copy a container' })
    await preview.getByText('Not copied', { exact: true }).waitFor()
    await picture(page, '5-preview')
    await preview.getByRole('button', { name: 'Copy a container' }).click()
    await preview.waitFor({ state: 'hidden' })

    const root = rootOf('shop-api in woolworks-production → shop-api-pr-12')
    const thread = await openThread(page, root)
    await thread.getByText('Copying the container on Hoody').waitFor()
    await picture(page, '6-working')
    await thread.getByText('shop-api-pr-12 is running').waitFor({ timeout: 40_000 })
    await picture(page, '7-live')
    const hoody = await unfold(page, 'Hoody')
    await hoody.getByRole('row', { name: /shop-api-pr-12.*running/ }).waitFor()
  })

  it('syncs the copy after the warning', async () => {
    const composer = page.getByRole('textbox', { name: 'Message #platform' })
    await composer.fill('/clone-app hoody sync container=shop-api-pr-12')
    await composer.press('Enter')
    const form = page.getByRole('dialog', { name: 'Sync a copy' })
    await form.waitFor()
    // It opens with what was typed, and is filled in once the list is there.
    const chosen = () => form.getByRole('combobox', { name: 'Copy to update' }).inputValue()
    await expect.poll(chosen).toBe('shop-api-pr-12 in woolworks-staging')
    await form.getByRole('button', { name: 'Next' }).click()
    const question = page.getByRole('dialog', { name: 'Sync a copy' })
    await question.getByText(/Everything changed in shop-api-pr-12/).waitFor()
    await picture(page, '8-warning')
    await question.getByRole('button', { name: 'Overwrite' }).click()
    await question.waitFor({ state: 'hidden' })
    await rootOf('Sync a copy').getByText('shop-api-pr-12 is up to date').waitFor({ timeout: 40_000 })
    await picture(page, '9-synced')
  })

  it('kills the bot while a job runs, and sees the job end correctly and only once', async () => {
    const composer = page.getByRole('textbox', { name: 'Message #platform' })
    await composer.fill('/clone-app hoody copy container=mailer project=woolworks-staging name=survivor')
    await composer.press('Enter')
    const form = page.getByRole('dialog', { name: 'Copy a container' })
    await form.getByRole('button', { name: 'Next' }).click()
    await form.getByRole('button', { name: 'Copy a container' }).click()
    await form.waitFor({ state: 'hidden' })
    const thread = await openThread(page, rootOf('mailer in woolworks-production → survivor'))
    await thread.getByText('Copying the container on Hoody').waitFor()

    const scenes = page.getByRole('region', { name: 'Behind the scenes' })
    await scenes.getByRole('button', { name: 'Kill the bot' }).click()
    const banner = page.getByText('The bot was killed')
    await banner.waitFor()
    await picture(page, '10-killed')
    await banner.waitFor({ state: 'hidden', timeout: 20_000 })
    expect(demo.output()).toContain('The bot ended (SIGKILL). Starting it again on the same database.')
    await thread.getByText('survivor is running').waitFor({ timeout: 60_000 })
    expect(await scenes.getByRole('row', { name: /survivor.*running/ }).count()).toBe(1)
    await picture(page, '11-survived')
  })

  it('uses a switch while a form is open', async () => {
    const composer = page.getByRole('textbox', { name: 'Message #platform' })
    await composer.fill('/clone-app hoody copy')
    await composer.press('Enter')
    const form = page.getByRole('dialog', { name: 'Copy a container' })
    await form.waitFor()
    const slack = await unfold(page, 'Slack')
    await slack.getByText(/faults to switch on/).click()
    const lost = slack.getByRole('checkbox', { name: 'Accept the next message, but lose the answer' })
    await lost.check()
    await picture(page, '12-beside')
    await lost.uncheck()
    // The workspace behind the form is inert, and Escape closes the form.
    expect(await composer.isVisible()).toBe(true)
    await composer.focus()
    expect(await composer.evaluate((box) => box === document.activeElement)).toBe(false)
    await form.getByRole('textbox', { name: 'Name of the copy' }).press('Escape')
    await form.waitFor({ state: 'hidden' })
    expect(await composer.evaluate((box) => box === document.activeElement)).toBe(true)
  })

  it('finds no unwanted scroll bars, in a wide and in a narrow window', async () => {
    const overflow = () =>
      page.evaluate(() => ({
        page: document.documentElement.scrollHeight - window.innerHeight,
        sideways: [document.documentElement, ...document.querySelectorAll('.messages')].map(
          (element) => element.scrollWidth - element.clientWidth,
        ),
      }))
    await page.getByRole('button', { name: 'Close thread' }).click()
    expect(await overflow()).toEqual({ page: 0, sideways: [0, 0] })
    await page.setViewportSize({ width: 390, height: 800 })
    await page.getByRole('button', { name: 'Hide what is behind the scenes' }).click()
    await picture(page, '13-narrow')
    expect(await overflow()).toEqual({ page: 0, sideways: [0, 0] })
  })

  it('sees no errors in the browser console', () => {
    expect(errors).toEqual([])
  })

  /** The message of the job whose line says this. */
  function rootOf(line: string) {
    const messages = page.getByRole('log', { name: 'Messages in #platform' }).getByRole('article')
    return messages.filter({ hasText: line }).first()
  }

  async function pick(
    form: ReturnType<Page['getByRole']>,
    label: string,
    query: string,
    option: string,
    name?: string,
  ) {
    const input = form.getByRole('combobox', { name: label, exact: true })
    await input.click()
    await input.pressSequentially(query)
    const entry = page.getByRole('option', { name: option }).first()
    await entry.waitFor()
    if (name) await picture(page, name)
    await entry.click()
  }
})
