/** Plans and their tasks, as Slack draws them: a mark for the state of each, what it says, and what came of it. */
import { useId, useState } from 'react'
import { LibraryBlocks } from './library-blocks.js'
import type { Block, Task } from './types.js'

const WORDS: Readonly<Record<Task['status'], string>> = {
  pending: 'Not started',
  in_progress: 'In progress',
  complete: 'Done',
  error: 'Failed',
}

export function Plan({ block }: { block: Block }) {
  const id = useId()
  const tasks = block.tasks ?? []
  const isRunning = tasks.some(({ status }) => status === 'in_progress')
  const [isOpen, setOpen] = useState(true)
  const done = tasks.filter(({ status }) => status === 'complete').length
  return (
    <section className="plan" aria-label={block.title}>
      <button
        type="button"
        className="plan-head"
        aria-expanded={isOpen}
        aria-controls={`${id}tasks`}
        onClick={() => setOpen(!isOpen)}
      >
        <span className={isOpen ? 'chevron is-open' : 'chevron'} aria-hidden="true" />
        <span className={isRunning ? 'plan-title is-running' : 'plan-title'}>{block.title}</span>
        <span className="plan-count">
          {done}/{tasks.length}
        </span>
      </button>
      {isOpen && (
        <ol id={`${id}tasks`} className="tasks">
          {tasks.map((task) => (
            <li key={task.task_id} className={`task is-${task.status}`}>
              <TaskBody task={task} />
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

/** A task outside of a plan. */
export function TaskCard({ task }: { task: Task }) {
  return (
    <div className={`plan task is-${task.status}`}>
      <TaskBody task={task} />
    </div>
  )
}

function TaskBody({ task }: { task: Task }) {
  return (
    <>
      <span className="task-mark" role="img" aria-label={WORDS[task.status]}>
        <Mark status={task.status} />
      </span>
      <div className="task-body">
        <span className="task-title">{task.title}</span>
        {task.details && <LibraryBlocks blocks={[task.details]} />}
        {task.output && <LibraryBlocks blocks={[task.output]} />}
        {task.sources?.map(({ url, text }) => (
          <a key={url} className="link" href={url} target="_blank" rel="noreferrer">
            {text}
          </a>
        ))}
      </div>
    </>
  )
}

function Mark({ status }: { status: Task['status'] }) {
  if (status === 'in_progress') return <span className="spinner" />
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      {status === 'pending' ? (
        <circle cx="8" cy="8" r="6.2" className="ring" />
      ) : (
        <>
          <circle cx="8" cy="8" r="7" className="disc" />
          <path d={status === 'complete' ? 'm4.8 8.3 2.2 2.2 4.2-4.8' : 'M8 4.4v4.2M8 11.2v.2'} className="sign" />
        </>
      )}
    </svg>
  )
}
