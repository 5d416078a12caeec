"""What is stored, as callers get it: ids and times as text, statuses, structured fields."""

import msgspec

from hubbub.domain import account
from hubbub.domain.chat import LARGE, Chat
from hubbub.domain.extra import unpack
from hubbub.domain.invite import ChatInvite
from hubbub.domain.message import Row, Version
from hubbub.domain.receipt import Cursor
from hubbub.domain.view import ChatView, History, MemberView, Reactor, RecipientView, Replies
from hubbub.present import client_ref, media, message, user_ref
from hubbub_protocol import frames, ids, rest
from hubbub_protocol.times import rfc3339


def user(found: account.User) -> rest.User:
    """A user as everyone may see him."""
    return rest.User(ids.text("user", found.id), found.username, found.display_name, found.is_admin)


def stored(
    row: Row, reader: int, others: Cursor, own: Cursor, answers: Replies | None = None
) -> rest.StoredMessage:
    """A message with its status for this reader; its sender alone sees his client_id again."""
    client = client_ref(row) if row.sender_id == reader else None
    fields = msgspec.structs.asdict(message(row, client_id=client))
    del fields["recipient_ids"]
    told = status(row, reader, others, own)
    return rest.StoredMessage(**fields, status=told, replies=replies(answers))


def messages(page: History, reader: int) -> list[rest.StoredMessage]:
    """A page of them."""
    return [
        stored(row, reader, page.others, page.own, page.replies.get(row.id)) for row in page.rows
    ]


def replies(found: Replies | None) -> rest.Replies | None:
    """How many replies a thread has."""
    return None if found is None else rest.Replies(found.count, found.seq, rfc3339(found.at))


def version(kept: Version) -> rest.Version:
    """What a message said before."""
    extra = unpack(kept.extra)
    said = (kept.content, media(kept.media), [user_ref(user) for user in extra.mentions])
    return rest.Version(kept.rev, rfc3339(kept.at), *said, extra.mention_all)


def status(row: Row, reader: int, others: Cursor, own: Cursor) -> rest.Status:
    """For its sender the least of all recipients, for a recipient how far he is himself."""
    if row.type == "system":
        return "sent"
    cursor = others if row.sender_id == reader else own
    if row.seq <= cursor.read:
        return "read"
    return "delivered" if row.seq <= cursor.delivered else "sent"


def chat(view: ChatView) -> rest.Chat:
    """A chat as one of its members sees it. Receipts of large chats come as counts instead."""
    facts, head, member = view.chat, view.head, view.member
    own = Cursor(member.delivered, member.read)
    small = facts.size <= LARGE
    return rest.Chat(
        id=ids.text("chat", facts.id),
        chat_type=facts.type,
        created_at=rfc3339(facts.created_at),
        member_count=facts.size,
        role=member.role,
        seq=head.seq,
        last_activity_at=rfc3339(head.at),
        unread=head.number - member.read_number - view.hidden,
        unread_mentions=view.unread_mentions,
        read=member.read,
        joined_seq=member.since,
        muted_until=rfc3339(member.muted_until) if member.muted_until else None,
        title=facts.title,
        history=facts.history,
        description=facts.description,
        picture=picture(facts.picture),
        posting=facts.posting,
        slow_seconds=facts.slow_seconds,
        visibility=facts.visibility,
        peer=user(view.peer) if view.peer else None,
        last_message=(stored(view.last, member.user_id, view.others, own) if view.last else None),
        receipts=rest.Receipts(view.others.delivered, view.others.read) if small else None,
        number=head.number,
    )


def picture(stored: str) -> frames.Media | None:
    """A chat's picture, None where it has none."""
    return msgspec.json.decode(stored, type=frames.Media) if stored else None


def public_chat(facts: Chat) -> rest.PublicChat:
    """A public group, as everybody may see it."""
    return rest.PublicChat(
        ids.text("chat", facts.id),
        facts.title or "",
        facts.size,
        facts.description,
        picture(facts.picture),
    )


def chat_invite(invite: ChatInvite) -> rest.ChatInvite:
    """An invite into a group, for those who may make one."""
    return rest.ChatInvite(
        ids.text("invite", invite.id),
        ids.text("user", invite.created_by),
        rfc3339(invite.created_at),
        invite.uses,
        rfc3339(invite.expires_at) if invite.expires_at else None,
        invite.max_uses or None,
    )


def member(view: MemberView) -> rest.Member:
    """A member of a chat and how far he is."""
    of = view.member
    return rest.Member(
        user=user(view.user),
        role=of.role,
        joined_at=rfc3339(of.joined_at),
        delivered=of.delivered,
        read=of.read,
        last_read_message_id=ids.text("msg", view.last_read_id) if view.last_read_id else None,
    )


def reactor(view: Reactor) -> rest.Reactor:
    """A user, and what he has put to a message."""
    reactions = [rest.Reaction(emoji, rfc3339(at)) for emoji, at in view.reactions]
    return rest.Reactor(ids.text("user", view.user_id), reactions)


def receipt(view: RecipientView) -> rest.Receipt:
    """When one recipient passed a message."""
    return rest.Receipt(
        ids.text("user", view.user_id),
        None if view.delivered_at is None else rfc3339(view.delivered_at),
        None if view.read_at is None else rfc3339(view.read_at),
    )
