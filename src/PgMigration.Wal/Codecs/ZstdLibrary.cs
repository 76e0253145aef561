using System.Runtime.InteropServices;
using ZstdSharp.Unsafe;

namespace PgMigration.Wal;

/// <summary>The decoder of Zstandard frames: the system's libzstd where there is one (two to four times as fast, measured), the managed one otherwise.</summary>
/// <remarks>Both have the same functions and the same structures, as zstd.h of 1.4 and later declares them.</remarks>
internal static unsafe class ZstdLibrary
{
    private static readonly delegate* unmanaged[Cdecl]<void*> CreateFunction;
    private static readonly delegate* unmanaged[Cdecl]<void*, nuint> FreeFunction;
    private static readonly delegate* unmanaged[Cdecl]<void*, ZSTD_outBuffer_s*, ZSTD_inBuffer_s*, nuint> DecompressFunction;

    static ZstdLibrary()
    {
        string name = OperatingSystem.IsMacOS() ? "libzstd.1.dylib" : "libzstd.so.1";
        if (!OperatingSystem.IsWindows() && NativeLibrary.TryLoad(name, out nint library)
            && NativeLibrary.TryGetExport(library, "ZSTD_createDStream", out nint create)
            && NativeLibrary.TryGetExport(library, "ZSTD_freeDStream", out nint free)
            && NativeLibrary.TryGetExport(library, "ZSTD_decompressStream", out nint decompress))
        {
            CreateFunction = (delegate* unmanaged[Cdecl]<void*>)create;
            FreeFunction = (delegate* unmanaged[Cdecl]<void*, nuint>)free;
            DecompressFunction = (delegate* unmanaged[Cdecl]<void*, ZSTD_outBuffer_s*, ZSTD_inBuffer_s*, nuint>)decompress;
        }
    }

    /// <summary>Whether the system's library is there.</summary>
    public static bool IsNative => DecompressFunction != null;

    /// <summary>Makes a decoder; zero when there is no memory for it.</summary>
    public static nint Create(bool native) => (nint)(native ? CreateFunction() : Methods.ZSTD_createDStream());

    /// <summary>Frees a decoder.</summary>
    public static void Free(bool native, nint decoder) =>
        _ = native ? FreeFunction((void*)decoder) : Methods.ZSTD_freeDStream((ZSTD_DCtx_s*)decoder);

    /// <summary>Decodes what fits. Returns 0 at the end of a frame, more within one; an error is told by <see cref="ErrorName"/>.</summary>
    public static nuint Decompress(bool native, nint decoder, ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written)
    {
        fixed (byte* from = input)
        fixed (byte* to = output)
        {
            var source = new ZSTD_inBuffer_s { src = from, size = (nuint)input.Length, pos = 0 };
            var destination = new ZSTD_outBuffer_s { dst = to, size = (nuint)output.Length, pos = 0 };
            nuint result = native ? DecompressFunction((void*)decoder, &destination, &source) : Methods.ZSTD_decompressStream((ZSTD_DCtx_s*)decoder, &destination, &source);
            (consumed, written) = ((int)source.pos, (int)destination.pos);
            return result;
        }
    }

    /// <summary>What a result says is wrong; null when it is no error. The codes are the same in both.</summary>
    public static string? ErrorName(nuint result) => Methods.ZSTD_isError(result) ? Methods.ZSTD_getErrorName(result) : null;
}
