#include "line_file.hpp"

#include <projector/plugin.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace external_sample {

namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= count ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

std::string line_of(const projector::Event& event) {
  nlohmann::ordered_json line{{"global_position", event.global_position()},
                              {"event_type", event.event_type()},
                              {"aggregate_id", event.aggregate_id()}};
  line["payload"] = event.payload();
  try {
    return line.dump() + '\n';
  } catch (const nlohmann::json::type_error&) { // the payload is not UTF-8; the host gives the other fields as UTF-8
    line.erase("payload");
    line["payload_base64"] = base64(event.payload());
    return line.dump() + '\n';
  }
}

} // namespace

/// Appends every event to a file of its partition, one JSON object per line. The last line has the last written
/// position, so events that are repeated after a crash are not written again.
class ExternalSample : public projector::ExternalProjection {
public:
  static constexpr projector::Descriptor kDescriptor{
      .name = "external_sample",
      .version = "1.0.0",
      .description = "Appends every event to a file of JSON lines",
      .tables_by_projection = true,
  };

  explicit ExternalSample(const projector::Context& context) : ExternalProjection(context) {
    if (!context.state_directory()) {
      throw projector::Fatal("no state directory: set plugins.state in the configuration");
    }
    const std::string partition =
        std::to_string(context.partition()) + "_of_" + std::to_string(context.total_partitions());
    directory_ = *context.state_directory();
    file_ = std::make_unique<LineFile>(directory_ / (kPrefix + partition + kSuffix));
    last_position_ = read_last_position();
  }

  void handle_batch(const projector::Batch& batch) override {
    std::string lines;
    std::int64_t last_position = last_position_;
    for (const projector::Event event : batch) {
      if (event.global_position() > last_position) {
        lines += line_of(event);
        last_position = event.global_position();
      }
    }
    if (lines.empty()) {
      return;
    }
    try {
      file_->append(lines);
    } catch (const std::system_error& error) {
      throw projector::Retry(error.what());
    }
    last_position_ = last_position;
  }

  /// Empties the files of all partitions, including those of other partition counts.
  void reset(projector::Transaction&) override {
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      const std::string name = entry.path().filename().string();
      if (name.rfind(kPrefix, 0) == 0 && entry.path().extension() == kSuffix && entry.path() != file_->path()) {
        std::filesystem::remove(entry.path());
      }
    }
    file_->clear();
    last_position_ = 0;
  }

private:
  static constexpr const char* kPrefix = "events_p";
  static constexpr const char* kSuffix = ".jsonl";

  [[nodiscard]] std::int64_t read_last_position() const {
    const std::optional<std::string> line = file_->last_line();
    if (!line) {
      return 0;
    }
    const auto parsed = nlohmann::json::parse(*line, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("global_position") || !parsed["global_position"].is_number_integer()) {
      throw projector::Fatal("the last line of " + file_->path().string() +
                             " is not one of ours, with a global_position: mend it or move the file away");
    }
    return parsed["global_position"].get<std::int64_t>();
  }

  std::filesystem::path directory_;
  std::unique_ptr<LineFile> file_;
  std::int64_t last_position_ = 0;
};

} // namespace external_sample

PROJECTOR_EXPORT_PROJECTION(external_sample::ExternalSample);
