"""The protocol of Hubbub, pure: ids, times, frames, codec, codes."""
