"""Change the settings of a group: its title, who may write, who sees what."""

import msgspec

from hubbub.actions.compose import check_media
from hubbub.actions.outcomes import changed
from hubbub.actions.references import chat_id, check, check_text, seen_chat
from hubbub.domain.account import Principal
from hubbub.domain.change import SetChat
from hubbub.domain.policy import may_set
from hubbub.domain.settings import Settings
from hubbub.ports import Changes, ChatReader, Clock
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.frames import Media
from hubbub_protocol.ids import IdMaker


class ChangeChat:
    """`change_chat(principal, chat_id, request)` → the position that it took."""

    def __init__(self, reader: ChatReader, changes: Changes, ids: IdMaker, clock: Clock) -> None:
        self._reader, self._changes, self._ids, self._clock = reader, changes, ids, clock

    async def __call__(
        self, principal: Principal, chat: str, request: rest.ChangeChat
    ) -> rest.Changed:
        """Values that are there already take no position.

        Raises Refused: `not_found` for no such chat, `forbidden`, `conflict` in a direct chat,
        `invalid`.
        """
        view = seen_chat(await self._reader.chat(principal.user_id, chat_id(chat)))
        wanted = _wanted(request)
        check(may_set(view.chat, view.member.role, wanted))
        change = SetChat(
            self._ids.make(), view.chat.id, principal.user_id, wanted, self._clock.now_ms()
        )
        return changed(await self._changes.do(change))


def _wanted(request: rest.ChangeChat) -> Settings:
    """What is named, as it is stored. Raises Refused `invalid`."""
    wanted: Settings = {
        name: value
        for name, value in msgspec.structs.asdict(request).items()
        if value is not msgspec.UNSET
    }
    if not wanted:
        names = ", ".join(request.__struct_fields__)
        raise Refused(Code.INVALID, f"Nothing to change; give one of {names}.")
    for name in ("title", "description"):
        check_text(str(wanted.get(name, "")), name)
    picture = request.picture
    if isinstance(picture, Media):
        check_media([picture], 0)
        if picture.type not in (None, "image"):
            raise Refused(Code.INVALID, "picture: its type is image.")
        wanted["picture"] = msgspec.json.encode(picture).decode()
    elif picture is None:
        wanted["picture"] = ""
    return wanted
