/** What a team does with its jobs besides starting them, as people see it in the demo: each feature once, with a picture. */
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { become, type Demo, openHome, openThread, picture, startBrowser, startDemo, unfold } from './browser.js'

const WIDE = { width: 1280, height: 800 }
const NARROW = { width: 900, height: 800 }
/** A copy takes ten seconds in the demo, a failed deployment at Miget forty, and the machine may be busy. */
const JOB_MS = 100_000
/** Copies of whose requests nobody can tell whether they arrived. */
const UNKNOWN = ['looked-up', 'sent-again', 'let-go'] as const

describe('in the demo', () => {
  let demo: Demo
  let browser: Browser
  let page: Page
  const errors: string[] = []

  beforeAll(async () => {
    ;[demo, browser] = await Promise.all([startDemo(), startBrowser()])
    page = await browser.newPage({ viewport: WIDE })
    page.setDefaultTimeout(30_000)
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    await page.goto(demo.url)
    await page.getByRole('article', { name: /^Slackbot: Welcome/ }).waitFor()
  })
  afterAll(async () => {
    await browser?.close()
    await demo?.stop()
  })

  it('a copy is kept for a week, and a click keeps it longer', async () => {
    await openCopy('shop-api', 'kept')
    const form = page.getByRole('dialog', { name: 'Copy a container' })
    await form.getByText('Keep for').waitFor()
    await look('features-keep-form')
    await start(form)
    const root = rootOf('shop-api', 'kept')
    await root.getByText('kept is running').waitFor({ timeout: JOB_MS })
    await root.getByText(/^Expires|Expires /).waitFor()
    await root.getByRole('button', { name: 'Extend' }).click()
    await log()
      .getByText(/ is kept until/)
      .waitFor()
    await look('features-keep-extended')
  })

  it('a failed clone runs after one more click', async () => {
    await flip('Miget', 'Let the next deployment fail', true)
    await openClone('second-try')
    await start(page.getByRole('dialog', { name: 'Clone an app' }))
    const root = log().getByRole('article').filter({ hasText: '→ second-try' })
    await root.getByText('second-try failed').waitFor({ timeout: JOB_MS })
    await look('features-failed')
    const presses = await counted(async (press) => await press(root.getByRole('button', { name: 'Try again' })))
    expect(presses).toBeLessThanOrEqual(2)
    await root.getByText(/second-try is (running|ready)/).waitFor({ timeout: JOB_MS })
    await look('features-retried')
  })

  it('a job between two steps is cancelled, and its thread says what stays', async () => {
    await flip('Miget', 'Leave new clones "pending" forever', true)
    await openClone('stopped')
    await start(page.getByRole('dialog', { name: 'Clone an app' }))
    const root = log().getByRole('article').filter({ hasText: '→ stopped' })
    await root.getByRole('button', { name: 'Cancel' }).click()
    await look('features-cancel-question')
    await page.getByRole('button', { name: 'Cancel the job' }).click()
    await root
      .getByText(/was cancelled|asked me to stop/)
      .first()
      .waitFor()
    await look('features-cancelled')
    await flip('Miget', 'Leave new clones "pending" forever', false)
  })

  it('a clone is repeated with the same answers and a name that is free', async () => {
    const root = rootOf('shop-api', 'kept')
    await choose(root, 'Clone again…')
    const form = page.getByRole('dialog', { name: 'Copy a container' })
    await form.waitFor()
    expect(await form.getByRole('combobox', { name: 'Container', exact: true }).inputValue()).toContain('shop-api')
    expect(await form.getByRole('textbox', { name: 'Name of the copy' }).inputValue()).not.toBe('kept')
    await look('features-again')
    await form.getByRole('button', { name: 'Cancel' }).click()
    await form.waitFor({ state: 'hidden' })
  })

  it('a finished job becomes a preset, which starts with one line', async () => {
    await choose(rootOf('shop-api', 'kept'), 'Save as preset…')
    const form = page.getByRole('dialog', { name: 'Save as preset' })
    await form.getByRole('textbox', { name: 'Name of the preset' }).fill('nightly-shop')
    await look('features-preset-form')
    await form.getByRole('button', { name: 'Save' }).click()
    const saved = page.getByRole('dialog', { name: 'Saved' })
    await look('features-preset-saved')
    await saved.getByRole('button', { name: 'Close' }).click()
    await type('/clone-app nightly-shop now')
    const root = rootOf('shop-api', 'shop-api-')
    await root.getByText(/is running/).waitFor({ timeout: JOB_MS })
    await type('/clone-app presets')
    await log().getByText('Presets.').waitFor()
    await look('features-presets', lastMessage())
  })

  it('a copy is repeated every night after two clicks in its thread', async () => {
    const root = rootOf('shop-api', 'kept')
    const presses = await counted(async (press) => {
      await press(root.getByRole('button', { name: 'Repeat on a schedule…' }))
      const form = page.getByRole('dialog', { name: 'Run on a schedule' })
      await form.waitFor()
      await look('features-schedule-form')
      await press(form.getByRole('button', { name: 'Schedule' }))
    })
    expect(presses).toBeLessThanOrEqual(2)
    const done = page.getByRole('dialog', { name: 'Scheduled' })
    await look('features-scheduled')
    await done.getByRole('button', { name: 'Close' }).click()
    await type('/clone-app schedules')
    await log().getByText('Your schedules.').waitFor()
    await look('features-schedules', lastMessage())
  })

  it('a copy into production waits until somebody else approves it', async () => {
    await openCopy('billing', 'billing-2', 'woolworks-production')
    const form = page.getByRole('dialog', { name: 'Copy a container' })
    await form.getByRole('button', { name: 'Next' }).click()
    await form.getByText('Not copied', { exact: true }).waitFor()
    await look('features-approval-page')
    await form.getByRole('button').last().click()
    await form.waitFor({ state: 'hidden' })
    const root = rootOf('billing', 'billing-2')
    await root.getByText('billing-2 needs approval').waitFor()
    await look('features-approval-asked')
    const approve = async () => {
      await root.getByRole('button', { name: 'Approve' }).click()
      const question = page.getByRole('dialog', { name: 'Are you sure?' })
      await question.getByText(/^Starts now: billing/).waitFor()
      await question.getByRole('button', { name: 'Approve' }).click()
    }
    await approve()
    await log()
      .getByText(/someone else must approve/)
      .waitFor()
    await become(page, 'Eli Frost')
    await approve()
    await root.getByText('billing-2 is running').waitFor({ timeout: JOB_MS })
    await openThread(page, root)
    await look('features-approved')
    await page.getByRole('button', { name: 'Close thread' }).click()
    await become(page, 'Ann Baker')
  })

  it('status, the list and the Home tab show where jobs stand', async () => {
    await type('/clone-app status')
    await log().getByText('Open its thread').first().waitFor()
    await look('features-status', lastMessage())
    await type('/clone-app list')
    await log().getByText('Your jobs').waitFor()
    await look('features-list', lastMessage())
    const home = await openHome(page)
    await home.getByText('Recent').waitFor()
    await look('features-home')
    await toPlatform()
  })

  it('shortcuts open the form, from the message box and from a message', async () => {
    await page.getByRole('button', { name: 'Shortcuts' }).click()
    await look('features-shortcuts')
    await page.getByRole('menuitem', { name: /Clone an app/ }).click()
    const choice = page.getByRole('dialog', { name: 'Clone an app' })
    await choice.getByRole('button', { name: 'Cancel' }).click()
    await choice.waitFor({ state: 'hidden' })
    const root = rootOf('shop-api', 'kept')
    await root.hover()
    await root.getByRole('button', { name: 'More actions' }).click()
    await page.getByRole('menuitem', { name: /Clone this app/ }).click()
    const form = page.getByRole('dialog', { name: 'Copy a container' })
    await form.waitFor()
    await form.getByRole('button', { name: 'Next' }).waitFor()
    await look('features-message-shortcut')
    await form.getByRole('button', { name: 'Cancel' }).click()
    await form.waitFor({ state: 'hidden' })
  })

  it('settings are chosen and kept', async () => {
    await type('/clone-app settings')
    const form = page.getByRole('dialog', { name: 'Settings' })
    await form.getByRole('radio', { name: 'Either way' }).check()
    await look('features-settings')
    await form.getByRole('button', { name: 'Save' }).click()
    await form.waitFor({ state: 'hidden' })
    await type('/clone-app settings')
    expect(await form.getByRole('radio', { name: 'Either way' }).isChecked()).toBe(true)
    await form.getByRole('button', { name: 'Cancel' }).click()
    await form.waitFor({ state: 'hidden' })
  })

  it('the history says who did what', async () => {
    await type('/clone-app history')
    await log()
      .getByText(/Approved/)
      .last()
      .waitFor()
    await look('features-history', lastMessage())
    await type('/clone-app help')
    await log().getByText('help all').last().waitFor()
    await look('features-help', lastMessage())
  })

  it('a request of which nobody can tell for six hours whether it arrived becomes a question', async () => {
    await flip('Hoody', 'Put rows of odd shapes into every list', true)
    for (const name of UNKNOWN) {
      await flip('Hoody', 'Drop the next write before it is carried out', true)
      await openCopy('search', name)
      await start(page.getByRole('dialog', { name: 'Copy a container' }))
      await rootOf('search', name)
        .getByText(/checking/i)
        .first()
        .waitFor()
    }
    await look('features-unknown-searching')
    await letTimePass()
    for (const name of UNKNOWN)
      await rootOf('search', name)
        .getByText(/I don't know whether/)
        .waitFor()
    await look('features-unknown-asked')
  })

  it('an unknown outcome is dismissed, started over, or looked for again', async () => {
    const [lookedUp, sentAgain, letGo] = UNKNOWN.map((name) => rootOf('search', name)) as [Locator, Locator, Locator]
    await letGo.getByRole('button', { name: 'Dismiss' }).click()
    await look('features-unknown-dismiss')
    await confirm()
    await letGo.getByText('let-go was cancelled').waitFor()

    await sentAgain.getByRole('button', { name: 'Start over' }).click()
    await look('features-unknown-start-over')
    await confirm()
    await sentAgain.getByText('sent-again is running').waitFor({ timeout: JOB_MS })

    await flip('Hoody', 'Put rows of odd shapes into every list', false)
    await lookedUp.getByRole('button', { name: 'Check again' }).click()
    await lookedUp.getByText('looked-up is running').waitFor({ timeout: JOB_MS })
    const thread = await openThread(page, lookedUp)
    await look('features-unknown-answered')
    await thread.getByRole('button', { name: 'Close thread' }).click()
  })

  it('a clone is deleted after a page that names it and what is lost', async () => {
    const root = rootOf('shop-api', 'kept')
    await root.getByRole('button', { name: 'Delete…' }).click()
    const form = page.getByRole('dialog', { name: 'Delete a clone' })
    await form.getByText(/What's lost/).waitFor()
    await look('features-delete-page')
    await form.getByRole('button', { name: 'Delete kept' }).click()
    await form.waitFor({ state: 'hidden' })
    await root.getByText('kept was deleted').waitFor({ timeout: JOB_MS })
    await openThread(page, root)
    await look('features-deleted')
    await page.getByRole('button', { name: 'Close thread' }).click()
    const hoody = await unfold(page, 'Hoody')
    expect(await hoody.getByRole('row', { name: /kept/ }).count()).toBe(0)
  })

  it("a workflow's step clones an app and is told how it ended", async () => {
    const builder = await unfold(page, 'Workflow Builder')
    const request = builder.getByRole('textbox', { name: 'What to clone' })
    await request.fill('hoody copy container=shop-api project=woolworks-staging name=from-workflow')
    await builder.getByRole('button', { name: /^Run/ }).click()
    const latest = builder.getByRole('list', { name: 'Runs' }).getByRole('listitem').first()
    await latest.getByText('running').waitFor()
    await look('features-workflow-running', builder)
    const messages = await openHome(page, 'Messages')
    await messages
      .getByText(/from-workflow is running/)
      .first()
      .waitFor({ timeout: JOB_MS })
    await latest.getByText('completed').waitFor()
    expect(await latest.innerText()).toMatch(/job\s+\w{5}\s+state\s+succeeded/)
    await look('features-workflow-completed', latest)
    await request.fill('hoody copy name=from-workflow')
    await builder.getByRole('button', { name: /^Run/ }).click()
    await latest.getByText('failed').waitFor()
    await latest.getByText(/^Container: /).waitFor()
    await look('features-workflow-refused', latest)
    await toPlatform()
  })

  it('sees no errors in the browser console', () => {
    expect(errors).toEqual([])
  })

  async function toPlatform(): Promise<void> {
    const places = page.getByRole('navigation', { name: 'Workspace' })
    await places.getByRole('button', { name: /platform/ }).click()
  }

  const lastMessage = () => log().getByRole('article').last()

  const log = () => page.getByRole('log', { name: 'Messages in #platform' })

  /** The message of the job that makes this copy. */
  function rootOf(source: string, name: string): Locator {
    const messages = log().getByRole('article')
    return messages.filter({ hasText: `${source} in woolworks-production → ${name}` }).first()
  }

  async function type(text: string): Promise<void> {
    const composer = page.getByRole('textbox', { name: 'Message #platform' })
    await composer.fill(text)
    await composer.press('Enter')
  }

  async function openCopy(container: string, name: string, project = 'woolworks-staging'): Promise<void> {
    await type(`/clone-app hoody copy container=${container} project=${project} name=${name}`)
  }

  async function openClone(name: string): Promise<void> {
    const where = 'project=woolworks-staging resource=migetlamb'
    await type(`/clone-app miget clone app=shop-api label=${name} name=${name} ${where}`)
  }

  /** Switches a fault on or off. */
  async function flip(of: string, fault: string, on: boolean): Promise<void> {
    const part = await unfold(page, of)
    const faults = part.locator('details.switches')
    if ((await faults.getAttribute('open')) === null) await faults.locator('summary').click()
    await part.getByRole('checkbox', { name: fault }).setChecked(on)
  }

  /** Seven hours, within a minute. */
  async function letTimePass(): Promise<void> {
    const time = page.getByRole('group', { name: 'Time' })
    await time.getByRole('button', { name: 'Let seven hours pass' }).click()
    await time.getByText(/h to go/).waitFor()
    await look('features-time-passes', time)
    await time.getByText(/h ahead/).waitFor({ timeout: JOB_MS })
  }

  /** Answers the question before a button's action with yes. */
  async function confirm(): Promise<void> {
    await page.getByRole('dialog').getByRole('button').last().click()
  }

  /** Chooses from the menu below a message. */
  async function choose(message: Locator, entry: string): Promise<void> {
    await message.getByRole('button', { name: 'More options' }).click()
    await page.getByRole('menuitem', { name: entry }).click()
  }

  /** From the filled form to the running job. */
  async function start(form: Locator): Promise<void> {
    await form.getByRole('button', { name: 'Next' }).click()
    await form.getByText('Not copied', { exact: true }).waitFor()
    await form.getByRole('button').last().click()
    await form.waitFor({ state: 'hidden' })
  }

  /** A picture for wide and one for narrow windows, of what somebody would look at. */
  async function look(name: string, at?: Locator): Promise<void> {
    for (const size of [NARROW, WIDE]) {
      await page.setViewportSize(size)
      await at?.scrollIntoViewIfNeeded()
      await picture(page, `${name}-${size.width}`)
    }
  }

  /** How often something is pressed. */
  async function counted(act: (press: (target: Locator) => Promise<void>) => Promise<void>): Promise<number> {
    let count = 0
    await act(async (target) => {
      await target.click()
      count += 1
    })
    return count
  }
})
