using System.Collections;
using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Takes gates, and plain script blocks in their stead: <c>-Gate { (Get-Date).Hour -ge 22 }</c>.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field | AttributeTargets.Parameter)]
public sealed class GateTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) switch
    {
        null => null,
        IList several => several.Cast<object?>().Select(One).ToArray(),
        var one => new[] { One(one) },
    };

    private static MigrationGate One(object? value) => (value is PSObject wrapped ? wrapped.BaseObject : value) switch
    {
        MigrationGate gate => gate,
        ScriptBlock block => GateOf(block),
        var other => throw new ArgumentTransformationMetadataException(
            $"Expected gates, as New-MigrationGate returns them, or script blocks that write $true; got {(other is null ? "nothing" : $"an object of type {other.GetType().Name}")}. Gates do not travel over remoting: make them in this session."),
    };

    private static ScriptBlockGate GateOf(ScriptBlock block)
    {
        try
        {
            return new ScriptBlockGate(block, []) { Name = NameOf(block) };
        }
        catch (MigrationException error)
        {
            throw new ArgumentTransformationMetadataException(error.Message);
        }
    }

    /// <summary>A block's own text, on one line, is what a gate without a name is called.</summary>
    internal static string NameOf(ScriptBlock block)
    {
        string text = string.Join(' ', block.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return text.Length <= 40 ? text : text[..40] + "…";
    }
}
