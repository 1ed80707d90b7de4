/** How the clients of each API say whether a call may run that an answer asks for. */

/** What has been asked, and where. */
export interface Asked {
  user: string;
  model: string;
  conversationId: string;
  turnId: string;
  /** The answer that asks. */
  answerId: string;
  toolCallId: string;
  tool: string;
  approvalId: string;
}

export interface Approver {
  name: string;
  /** The same said again joins the turn that it began. */
  joins?: true;
  call(asked: Asked, isApproved: boolean): { path: string; json: object };
}

export const APPROVERS: readonly Approver[] = [
  {
    name: 'POST /conversations/{id}/messages',
    call: ({ conversationId, approvalId, model }, approved) => ({
      path: `/conversations/${conversationId}/messages`,
      json: { approvals: [{ approval_id: approvalId, approved }], model },
    }),
  },
  {
    name: 'POST /v1/responses',
    call: ({ turnId, approvalId, model, user }, approve) => ({
      path: '/v1/responses',
      json: {
        ...{ model, user, previous_response_id: `resp_${turnId}` },
        input: [
          { type: 'mcp_approval_response', approval_request_id: `mcpr_${approvalId}`, approve },
        ],
      },
    }),
  },
  {
    name: 'POST /api/chat',
    joins: true,
    call(asked, approved) {
      const { conversationId: id, answerId, model, user: user_id, tool, toolCallId } = asked;
      const approval = { id: asked.approvalId, approved };
      const said = { type: `tool-${tool}`, toolCallId, state: 'approval-responded', input: {} };
      const parts = [{ ...said, approval }];
      const messages = [{ id: answerId, role: 'assistant', parts }];
      return { path: '/api/chat', json: { id, model, user_id, messages } };
    },
  },
  {
    name: 'POST /ag-ui',
    joins: true,
    call({ conversationId: threadId, answerId, approvalId, model, user: user_id }, approved) {
      const messages = [{ id: answerId, role: 'assistant', content: '' }];
      const status = approved ? 'resolved' : 'cancelled';
      const resume = [{ interruptId: approvalId, status, payload: { approved } }];
      const runId = `${approvalId}-${status}`;
      const forwardedProps = { user_id, model };
      return { path: '/ag-ui', json: { threadId, runId, messages, resume, forwardedProps } };
    },
  },
];
