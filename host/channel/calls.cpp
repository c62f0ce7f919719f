#include "channel/calls.hpp"

#include "channel/reader.hpp"

#include <cstring>

namespace projector::channel {

namespace {

constexpr std::size_t kAddressSize = sizeof(std::uint64_t);
static_assert(sizeof(void*) == kAddressSize);

Finished take_finished(Reader& reader) {
  return static_cast<Finished>(reader.below(3, "what became of the batch before"));
}

} // namespace

void write_create(Writer& writer, const Create& create) {
  writer.text(create.projection_name);
  writer.u32(create.partition_key);
  writer.u32(create.total_partitions);
  writer.u32(static_cast<std::uint32_t>(create.settings.size()));
  for (const auto& setting : create.settings) {
    writer.text(setting.key);
    writer.text(setting.value);
  }
  writer.optional_text(create.state_directory);
}

Create read_create(std::string_view message) {
  constexpr std::size_t kLeastSetting = 10;
  Reader reader(message);
  Create create;
  create.projection_name = reader.text("the projection's name");
  create.partition_key = reader.u32("the partition");
  create.total_partitions = reader.u32("the number of partitions");
  const std::uint32_t n_settings = reader.count(kLeastSetting, "the number of settings");
  create.settings.reserve(n_settings);
  for (std::uint32_t i = 0; i < n_settings; ++i) {
    const std::string_view key = reader.text("a setting's key");
    create.settings.push_back({std::string(key), std::string(reader.text("a setting's value"))});
  }
  create.state_directory = reader.optional_text("the state directory");
  reader.end();
  return create;
}

void write_handle(Writer& writer, const Handle& handle, const projector_event* const* events, std::size_t n_events) {
  writer.u32(handle.flags);
  writer.u32(handle.attempt);
  writer.i64(handle.head_position);
  writer.flag(handle.transaction);
  writer.u32(static_cast<std::uint32_t>(handle.finished));
  writer.u64(n_events);
  writer.raw(events, n_events * kAddressSize);
}

void read_handle(std::string_view message, Handle& into) {
  Reader reader(message);
  into.flags = reader.u32("the batch's flags");
  into.attempt = reader.u32("the attempt");
  into.head_position = reader.i64("the head position");
  into.transaction = reader.flag("whether there is a transaction");
  into.finished = take_finished(reader);
  const std::uint64_t n_events = reader.u64("the number of events");
  if (n_events != reader.left() / kAddressSize) {
    throw Malformed("malformed message: expected the addresses of " + std::to_string(n_events) + " events, found " +
                    std::to_string(reader.left()) + " bytes");
  }
  const std::string_view addresses = reader.raw(n_events * kAddressSize, "the events");
  reader.end();
  into.events.resize(n_events);
  if (n_events > 0) {
    std::memcpy(into.events.data(), addresses.data(), addresses.size());
  }
}

void write_finished(Writer& writer, Finished finished) {
  writer.u32(static_cast<std::uint32_t>(finished));
}

Finished read_finished(std::string_view message) {
  Reader reader(message);
  const Finished finished = take_finished(reader);
  reader.end();
  return finished;
}

} // namespace projector::channel
