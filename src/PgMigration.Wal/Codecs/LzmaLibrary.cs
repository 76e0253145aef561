using System.Runtime.InteropServices;

namespace PgMigration.Wal;

/// <summary>The system's liblzma, the library of the xz tool: reads the .lzma container in all its forms, and .xz.</summary>
/// <remarks>Its functions and structure are those of lzma.h of 5.0 and later.</remarks>
internal static unsafe class LzmaLibrary
{
    // What the largest dictionary that is accepted needs, and a little for the decoder itself.
    private const ulong MemoryLimit = (128UL << 20) + (8 << 20);
    private const uint TellUnsupportedCheck = 2; // LZMA_TELL_UNSUPPORTED_CHECK
    private const uint Concatenated = 8; // LZMA_CONCATENATED
    private const int Run = 0;
    private const int Finish = 3;

    private static readonly delegate* unmanaged[Cdecl]<LzmaState*, ulong, int> AloneFunction;
    private static readonly delegate* unmanaged[Cdecl]<LzmaState*, ulong, uint, int> StreamFunction;
    private static readonly delegate* unmanaged[Cdecl]<LzmaState*, int, int> CodeFunction;
    private static readonly delegate* unmanaged[Cdecl]<LzmaState*, void> EndFunction;

    static LzmaLibrary()
    {
        string name = OperatingSystem.IsMacOS() ? "liblzma.5.dylib" : "liblzma.so.5";
        if (!OperatingSystem.IsWindows() && NativeLibrary.TryLoad(name, out nint library)
            && NativeLibrary.TryGetExport(library, "lzma_alone_decoder", out nint alone)
            && NativeLibrary.TryGetExport(library, "lzma_stream_decoder", out nint stream)
            && NativeLibrary.TryGetExport(library, "lzma_code", out nint code)
            && NativeLibrary.TryGetExport(library, "lzma_end", out nint end))
        {
            AloneFunction = (delegate* unmanaged[Cdecl]<LzmaState*, ulong, int>)alone;
            StreamFunction = (delegate* unmanaged[Cdecl]<LzmaState*, ulong, uint, int>)stream;
            EndFunction = (delegate* unmanaged[Cdecl]<LzmaState*, void>)end;
            CodeFunction = (delegate* unmanaged[Cdecl]<LzmaState*, int, int>)code;
        }
    }

    /// <summary>Whether the system's library is there.</summary>
    public static bool IsNative => CodeFunction != null;

    /// <summary>Makes a decoder.</summary>
    /// <param name="isXz">Of .xz, of any number of streams; otherwise of one .lzma stream.</param>
    public static nint Create(bool isXz)
    {
        var state = (LzmaState*)NativeMemory.AllocZeroed((nuint)sizeof(LzmaState));
        int result = isXz ? StreamFunction(state, MemoryLimit, TellUnsupportedCheck | Concatenated) : AloneFunction(state, MemoryLimit);
        if (result != (int)LzmaResult.Ok)
        {
            NativeMemory.Free(state);
            throw new InsufficientMemoryException();
        }

        return (nint)state;
    }

    /// <summary>Frees a decoder.</summary>
    public static void Free(nint decoder)
    {
        EndFunction((LzmaState*)decoder);
        NativeMemory.Free((void*)decoder);
    }

    /// <summary>Decodes what fits.</summary>
    public static LzmaResult Decompress(nint decoder, ReadOnlySpan<byte> input, bool isLast, Span<byte> output, out int consumed, out int written)
    {
        var state = (LzmaState*)decoder;
        fixed (byte* from = input)
        fixed (byte* to = output)
        {
            state->NextIn = from;
            state->AvailableIn = (nuint)input.Length;
            state->NextOut = to;
            state->AvailableOut = (nuint)output.Length;
            int result = CodeFunction(state, isLast ? Finish : Run);
            (consumed, written) = (input.Length - (int)state->AvailableIn, output.Length - (int)state->AvailableOut);
            return (LzmaResult)result;
        }
    }

    // lzma_stream of lzma/base.h
    [StructLayout(LayoutKind.Sequential)]
    private struct LzmaState
    {
        public byte* NextIn;
        public nuint AvailableIn;
        public ulong TotalIn;
        public byte* NextOut;
        public nuint AvailableOut;
        public ulong TotalOut;
        public void* Allocator;
        public void* Internal;
        public void* Reserved1;
        public void* Reserved2;
        public void* Reserved3;
        public void* Reserved4;
        public ulong SeekPosition;
        public ulong Reserved5;
        public nuint Reserved6;
        public nuint Reserved7;
        public int Reserved8;
        public int Reserved9;
    }
}
