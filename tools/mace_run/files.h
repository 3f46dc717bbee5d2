// Whole files: read at once, written so that nobody sees half of one.
#ifndef TOOLS_MACE_RUN_FILES_H_
#define TOOLS_MACE_RUN_FILES_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace mace_run {

// The bytes of a regular file. `check` is called with their number before they are read. Throws
// std::runtime_error without the path in the message.
std::vector<uint8_t> ReadFile(
    const std::string& path, const std::function<void(uint64_t)>& check = [](uint64_t) {});

// The parts one after the other, under a temporary name first. What is there already must be a regular file.
// Throws std::runtime_error; messages begin with the path.
void WriteFile(const std::string& path, std::initializer_list<std::span<const uint8_t>> parts);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_FILES_H_
