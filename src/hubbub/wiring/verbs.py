"""All verbs for REST, joined from the core's parts."""

from hubbub.actions import Actions
from hubbub.actions.add_members import AddMembers
from hubbub.actions.admit import Admit
from hubbub.actions.change_chat import ChangeChat
from hubbub.actions.change_member import ChangeMember
from hubbub.actions.chat_invites import ChatInvites
from hubbub.actions.create_chat import CreateChat
from hubbub.actions.enrol import Enrol
from hubbub.actions.get_chat import GetChat
from hubbub.actions.get_message import GetMessage
from hubbub.actions.get_receipts import GetReceipts
from hubbub.actions.grant import Grant
from hubbub.actions.join_chat import JoinChat
from hubbub.actions.list_chats import ListChats
from hubbub.actions.list_members import ListMembers
from hubbub.actions.list_mentions import ListMentions
from hubbub.actions.login import Login
from hubbub.actions.mute_chat import MuteChat
from hubbub.actions.provider_sign_in import ProviderSignIn
from hubbub.actions.put_users import PutUsers
from hubbub.actions.read_changes import ReadChanges
from hubbub.actions.read_events import ReadEvents, ReadMyEvents
from hubbub.actions.read_history import ReadHistory
from hubbub.actions.read_thread import ReadThread
from hubbub.actions.refresh import Refresh
from hubbub.actions.register import Register
from hubbub.actions.remove_member import RemoveMember
from hubbub.actions.send_message import SendMessage
from hubbub.actions.server_keys import Authorize
from hubbub.actions.sessions import ListSessions, RevokeSession
from hubbub.actions.stances import Blocks, ChangeMe
from hubbub.actions.sync import Sync
from hubbub.actions.tail_user import TailUser
from hubbub.actions.throttle import Throttle
from hubbub.actions.trace_message import TraceMessage
from hubbub.actions.users import Users
from hubbub.delivery.poll import Poll
from hubbub.delivery.recent import RecentReader
from hubbub.delivery.sight import sight
from hubbub.delivery.tail import Tails
from hubbub.wiring.core import Core
from hubbub_protocol import rest


def verbs(core: Core) -> Actions:
    """Each of them; they work while the core runs."""
    world, told, clock, maker = core.world, core.told, core.world.clock, core.maker
    accounts, reader, ingest = world.accounts, world.reader, core.ingest
    grant = Grant(accounts, world.tokens, core.revocations, maker, clock, told.refresh_days)

    def throttle(name: str, per_minute: float = told.logins_per_minute) -> Throttle:
        return Throttle(name, clock, per_minute, per_minute, world.buckets)

    logins = throttle("address"), throttle("username")

    register = Register(
        accounts,
        world.invites,
        world.passwords,
        maker,
        grant,
        throttle("register", told.registrations_per_minute),
        told.registration,
    )
    provided = ProviderSignIn(
        world.providers,
        Enrol(world.identities, maker, clock),
        grant,
        told.seal,
        throttle("provider"),
        told.base_url,
        told.not_signed_in,
    )
    sessions = RevokeSession(accounts, core.revocations, clock)
    directory = core.directory
    shown = reader if core.recent is None else RecentReader(reader, core.recent)
    gathering = (directory, world.relations, reader, ingest, maker, clock, told.limits)
    blocks = Blocks(directory, world.relations, ingest)
    users = Users(accounts, directory, world.relations, core.presence)
    put_users = PutUsers(world.host_accounts, maker, clock)
    remove = RemoveMember(directory, reader, ingest, maker, clock)
    invites = ChatInvites(reader, world.joining, maker, clock, told.base_url)
    joins = JoinChat(reader, world.joining, ingest, maker, clock, told.limits)
    changes = ReadChanges(world.messages)
    tails = Tails(core.hub, core.encoders)
    poll = Poll(core.hub, core.replays, core.encoders, core.revocations)
    return Actions(
        authenticate=core.authenticate,
        authorize=Authorize(world.server_keys, directory),
        register=register,
        list_providers=lambda: rest.Providers(told.registration, provided.offered()),
        start_sign_in=provided.start,
        finish_sign_in=provided.finish,
        exchange_sign_in=provided.exchange,
        sign_out_of_provider=provided.leave,
        login=Login(accounts, world.passwords, grant, *logins),
        refresh=Refresh(grant),
        logout=sessions.logout,
        list_sessions=ListSessions(accounts, clock),
        revoke_session=sessions,
        get_me=users.me,
        change_me=ChangeMe(accounts, world.identities, ingest),
        block_user=blocks.block,
        unblock_user=blocks.unblock,
        list_blocks=blocks.list,
        get_user=users.get,
        find_user=users.find,
        put_user=put_users.one,
        put_users=put_users,
        create_invite=core.invite,
        create_chat=CreateChat(*gathering),
        list_chats=ListChats(reader),
        get_chat=GetChat(shown),
        change_chat=ChangeChat(reader, ingest, maker, clock),
        mute_chat=MuteChat(ingest, clock),
        list_members=ListMembers(shown),
        add_members=AddMembers(*gathering),
        remove_member=remove,
        change_member=ChangeMember(directory, reader, ingest, maker, clock),
        leave_chat=remove.leave,
        list_public_chats=joins.public,
        get_public_chat=joins.look_at,
        join_chat=joins.join,
        create_chat_invite=invites.create,
        list_chat_invites=invites.list,
        end_chat_invite=invites.end,
        look_at_invite=joins.look_through,
        follow_invite=joins.follow,
        list_messages=ReadHistory(shown),
        list_events=ReadEvents(world.chats),
        list_my_events=ReadMyEvents(world.own_log),
        send_message=SendMessage(core.compose, ingest.do, directory),
        edit_message=core.amend.edit,
        delete_message=core.amend.delete,
        pin_message=core.amend.pin,
        unpin_message=core.amend.unpin,
        add_reaction=core.amend.react,
        remove_reaction=core.amend.unreact,
        list_reactions=changes.reactions,
        list_edits=changes.edits,
        list_pins=changes.pins,
        get_message=GetMessage(reader),
        get_thread=ReadThread(world.referring),
        list_mentions=ListMentions(world.referring),
        mark_read=core.read,
        get_receipts=GetReceipts(reader),
        sync=Sync(core.received, poll),
        admit=Admit(world.tokens, core.authenticate, accounts, clock),
        tail_user=TailUser(accounts, reader, tails.open, tails.listen),
        trace_message=TraceMessage(world.operating, lambda *who: sight(core.hub, *who)),
    )
