"""What a user sets for himself."""

from msgspec import UNSET

from hubbub.domain.account import Identity, Principal, User
from hubbub.domain.own import SetMe
from hubbub_protocol import rest
from hubbub_protocol.codes import Code
from tests.actions.chats.house import House, refused


async def test_name_and_switches_are_one_change(house: House, ann: Principal) -> None:
    privacy = rest.ChangePrivacy(last_seen=False)
    await house.change_me(ann, rest.ChangeMe("  Anna Livia ", privacy))
    await house.change_me(ann, rest.ChangeMe(" \t"))
    await house.change_me(ann, rest.ChangeMe(privacy=privacy))
    assert house.changes.done == [
        SetMe(ann.user_id, {"last_seen": False}, "Anna Livia"),
        SetMe(ann.user_id, {}, "ann"),
        SetMe(ann.user_id, {"last_seen": False}, None),
    ]


async def test_what_is_refused(house: House, ann: Principal) -> None:
    for nothing in (rest.ChangeMe(), rest.ChangeMe(UNSET, rest.ChangePrivacy())):
        assert (await refused(house.change_me(ann, nothing))).code is Code.INVALID
    assert (await refused(house.change_me(ann, rest.ChangeMe("a\0b")))).code is Code.INVALID
    nobody = Principal(77, 1, 2**60)
    gone = await refused(house.change_me(nobody, rest.ChangeMe("Anna")))
    assert gone.code is Code.UNAUTHORIZED
    assert house.changes.done == []


async def test_names_from_elsewhere_are_changed_there(house: House, ann: Principal) -> None:
    user = User(house.ids.make(), "ext:42", "Zoe", "", False, 1)
    await house.accounts.put_users([user])
    house.state.add_user(user)
    zoe = Principal(user.id, 1, 2**60)
    assert await house.accounts.link(Identity("https://id.example", "ann"), ann.user_id)
    for principal in (zoe, ann):
        answer = await refused(house.change_me(principal, rest.ChangeMe("Anna")))
        assert answer.code is Code.FORBIDDEN
    await house.change_me(zoe, rest.ChangeMe(privacy=rest.ChangePrivacy(inbox="contacts")))
    assert house.changes.done == [SetMe(zoe.user_id, {"inbox": "contacts"})]
