using System.Runtime.InteropServices;

namespace PgMigration.Wal;

/// <summary>The functions of libsodium that secret streams need; the library lies beside the program or the module.</summary>
internal static unsafe class SodiumLibrary
{
    /// <summary>crypto_secretstream_xchacha20poly1305_HEADERBYTES.</summary>
    public const int HeaderSize = 24;

    /// <summary>crypto_secretstream_xchacha20poly1305_ABYTES: what a chunk is longer than its content.</summary>
    public const int ChunkOverhead = 17;

    /// <summary>crypto_secretstream_xchacha20poly1305_KEYBYTES.</summary>
    public const int KeySize = 32;

    /// <summary>crypto_secretstream_xchacha20poly1305_TAG_FINAL.</summary>
    public const byte FinalTag = 3;

    /// <summary>Room for a crypto_secretstream_xchacha20poly1305_state, which has 52 bytes.</summary>
    public const int StateSize = 64;

    private static readonly Lazy<Functions> Loaded = new(Load);

    /// <summary>Loads the library.</summary>
    /// <exception cref="MigrationException"><c>LibsodiumMissing</c>.</exception>
    public static void Require() => _ = Loaded.Value;

    /// <summary>Begins to decrypt.</summary>
    public static bool TryBeginPull(Span<byte> state, ReadOnlySpan<byte> header, ReadOnlySpan<byte> key)
    {
        fixed (byte* statePointer = state, headerPointer = header, keyPointer = key)
        {
            return Loaded.Value.InitPull(statePointer, headerPointer, keyPointer) == 0;
        }
    }

    /// <summary>Decrypts one chunk; false when it is not what was encrypted with the key.</summary>
    public static bool TryPull(Span<byte> state, ReadOnlySpan<byte> chunk, Span<byte> plain, out int length, out byte tag)
    {
        fixed (byte* statePointer = state, chunkPointer = chunk, plainPointer = plain)
        {
            ulong written;
            byte found;
            bool good = Loaded.Value.Pull(statePointer, plainPointer, &written, &found, chunkPointer, (ulong)chunk.Length, null, 0) == 0;
            (length, tag) = good ? ((int)written, found) : (0, (byte)0);
            return good;
        }
    }

    /// <summary>Begins to encrypt; the header goes in front of the chunks.</summary>
    public static void BeginPush(Span<byte> state, Span<byte> header, ReadOnlySpan<byte> key)
    {
        fixed (byte* statePointer = state, headerPointer = header, keyPointer = key)
        {
            _ = Loaded.Value.InitPush(statePointer, headerPointer, keyPointer);
        }
    }

    /// <summary>Encrypts one chunk, which gets <see cref="ChunkOverhead"/> longer by it.</summary>
    public static void Push(Span<byte> state, ReadOnlySpan<byte> plain, Span<byte> chunk, byte tag)
    {
        fixed (byte* statePointer = state, chunkPointer = chunk, plainPointer = plain)
        {
            _ = Loaded.Value.Push(statePointer, chunkPointer, null, plainPointer, (ulong)plain.Length, null, 0, tag);
        }
    }

    private static Functions Load()
    {
        foreach (string name in Names())
        {
            // relative names are looked for beside this assembly or, in a native program, beside the program
            if (NativeLibrary.TryLoad(name, typeof(SodiumLibrary).Assembly, DllImportSearchPath.AssemblyDirectory, out nint library)
                && NativeLibrary.TryGetExport(library, "crypto_secretstream_xchacha20poly1305_init_pull", out _))
            {
                return new Functions(library);
            }
        }

        throw new MigrationException("LibsodiumMissing", MigrationErrorKind.NotFound,
            "The library libsodium, which decrypts the archive, was not found beside the module's or program's files. Build or install the module anew, or install the system's own (Debian: libsodium23).");
    }

    private static IEnumerable<string> Names()
    {
        string architecture = RuntimeInformation.ProcessArchitecture switch { Architecture.Arm64 => "arm64", Architecture.Arm => "arm", Architecture.X86 => "x86", _ => "x64" };
        string system = OperatingSystem.IsWindows() ? "win"
            : OperatingSystem.IsMacOS() ? "osx"
            : RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal) ? "linux-musl" : "linux";
        string file = OperatingSystem.IsWindows() ? "libsodium.dll" : OperatingSystem.IsMacOS() ? "libsodium.dylib" : "libsodium.so";
        return [file, $"runtimes/{system}-{architecture}/native/{file}", $"native/{file}", "libsodium.so.26", "libsodium.so.23"];
    }

    private readonly struct Functions(nint library)
    {
        public readonly delegate* unmanaged[Cdecl]<byte*, byte*, byte*, int> InitPull =
            (delegate* unmanaged[Cdecl]<byte*, byte*, byte*, int>)Export(library, "init_pull");

        public readonly delegate* unmanaged[Cdecl]<byte*, byte*, ulong*, byte*, byte*, ulong, byte*, ulong, int> Pull =
            (delegate* unmanaged[Cdecl]<byte*, byte*, ulong*, byte*, byte*, ulong, byte*, ulong, int>)Export(library, "pull");

        public readonly delegate* unmanaged[Cdecl]<byte*, byte*, byte*, int> InitPush =
            (delegate* unmanaged[Cdecl]<byte*, byte*, byte*, int>)Export(library, "init_push");

        public readonly delegate* unmanaged[Cdecl]<byte*, byte*, ulong*, byte*, ulong, byte*, ulong, byte, int> Push =
            (delegate* unmanaged[Cdecl]<byte*, byte*, ulong*, byte*, ulong, byte*, ulong, byte, int>)Export(library, "push");

        private static nint Export(nint library, string function)
        {
            // chooses the implementations for this processor; called again, it does nothing
            _ = ((delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "sodium_init"))();
            return NativeLibrary.GetExport(library, "crypto_secretstream_xchacha20poly1305_" + function);
        }
    }
}
