-- One number, 64 bits each: the time, the device's clock (which may be before 1970), and two more.
bitOr(
    bitOr(
        bitShiftLeft(toUInt256(toUnixTimestamp64Milli(/*time*/)), 192),
        bitShiftLeft(toUInt256(bitXor(reinterpretAsUInt64(toUnixTimestamp64Milli(/*ts*/)), 9223372036854775808)), 128)),
    bitOr(bitShiftLeft(toUInt256(/*third*/), 64), toUInt256(/*fourth*/)))
