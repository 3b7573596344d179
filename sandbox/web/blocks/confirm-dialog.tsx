/**
 * The question before an action, as its confirmation object words it. Drawn beside the workspace, because the message or view
 * that has the button may be edited while somebody reads it.
 */
import { Dialog } from '../modal/dialog.js'
import { Text } from './library-blocks.js'
import type { Confirm } from './types.js'

interface ConfirmDialogProps {
  confirm: Confirm
  onConfirm(): void
  onDeny(): void
}

export function ConfirmDialog({ confirm, onConfirm, onDeny }: ConfirmDialogProps) {
  return (
    <Dialog title={confirm.title.text} className="confirm" onClose={onDeny}>
      <div className="modal-body">
        <Text text={confirm.text} />
      </div>
      <footer className="modal-foot">
        <button type="button" className="button" onClick={onDeny}>
          {confirm.deny.text}
        </button>
        <button type="button" className={`button ${confirm.style ?? 'primary'}`} data-focus="true" onClick={onConfirm}>
          {confirm.confirm.text}
        </button>
      </footer>
    </Dialog>
  )
}
