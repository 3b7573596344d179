/** The app's Home tab, as the app published it for this person. */
import type { HomePage as Home } from '../../slack/protocol.js'
import { Blocks } from '../blocks/blocks.js'
import { SurfaceContext } from '../blocks/surface.js'
import type { Block } from '../blocks/types.js'
import { useViewSurface } from '../blocks/use-view-surface.js'
import { useWorkspace } from './context.js'

export function HomePage() {
  const { home, bot } = useWorkspace().snapshot
  if (home) return <Published key={home.id} home={home} />
  return <p className="waiting">{bot.name} has put nothing here yet.</p>
}

function Published({ home }: { home: Home }) {
  const blocks = home.blocks as readonly Block[]
  const { surface } = useViewSurface(home.id, blocks)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="home" tabIndex={0} aria-label="Home">
      <div className="home-blocks">
        <SurfaceContext value={surface}>
          <Blocks blocks={blocks} />
        </SurfaceContext>
      </div>
    </section>
  )
}
